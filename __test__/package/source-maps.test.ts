// With --enable-source-maps, stack traces show lines of src, which is not in the package.
import { readFileSync } from 'node:fs'
import { findSourceMap } from 'node:module'
import { fileURLToPath } from 'node:url'
import test from 'ava'
import { getEndpoint } from 'fastn-net'

test('stack traces show lines of src', async t => {
  const { stack } = await t.throwsAsync(getEndpoint('no key' as never), { code: 'ERR_SECRET_KEY' })
  t.regex(stack!, /[/\\]src[/\\][^\n]+\.ts:\d+:\d+/)
})

test('source maps contain the source', t => {
  for (const name of ['index', 'services', 'node']) {
    const file = fileURLToPath(new URL(`../../dist/${name}.js`, import.meta.url))
    const { sources, sourcesContent } = JSON.parse(readFileSync(`${file}.map`, 'utf8'))
    t.true(sources.length > 0)
    t.is(sourcesContent.length, sources.length)
    t.true(sourcesContent.every((text: unknown) => typeof text === 'string' && text.length > 0))
  }
  t.truthy(findSourceMap(fileURLToPath(new URL('../../dist/index.js', import.meta.url))))
})
