import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'

const { texts } = (await import(new URL('../../scripts/release/notices.mjs', import.meta.url).href)) as {
  texts: (crate: { name: string; license: string; authors: string[]; folder: string }) => string[]
}

const crate = { name: 'some-crate', license: 'MIT OR Apache-2.0', authors: ['A. Author'] }

test('a crate with the licence of copied code only has its own licence in the notices, too', t => {
  const folder = mkdtempSync(join(tmpdir(), 'fastn-net-notices-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const copied = 'Redistribution and use in source and binary forms is permitted'
  writeFileSync(join(folder, 'LICENSE-BSD3'), copied)
  const [first, ...others] = texts({ ...crate, folder })
  t.is(first, copied)
  t.true(others.some(text => text.includes('Copyright (c) A. Author') && text.includes('free of charge')))
  t.true(others.some(text => text.includes('Apache License')))
  // The text of one alternative is enough.
  writeFileSync(join(folder, 'LICENSE'), 'Permission is hereby granted, free of charge, to any person')
  t.is(texts({ ...crate, folder }).length, 2)
})
