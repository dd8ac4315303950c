import test from 'ava'
import { parseMailAddress } from 'fastn-mail'

const id52 = 'i66fo538lfl5ombdf6tcdbrabp4hmp9asv7nrffuc2im13ct4q60'

test('an address is an alias and an ID52, with any suffix', t => {
  t.deepEqual(parseMailAddress(`ada@${id52}.fastn`), { alias: 'ada', id52 })
  t.deepEqual(parseMailAddress(`Ada.L+x@${id52.toUpperCase()}.local`), { alias: 'Ada.L+x', id52 })
  t.deepEqual(parseMailAddress(`"a@b"@${id52}`), { alias: '"a@b"', id52 })
})

test('other addresses are refused', t => {
  for (const address of [
    '',
    'ada',
    `@${id52}.fastn`,
    'ada@example.org',
    `ada@mail.${id52}.fastn`,
    `ada@${id52}x.fastn`
  ])
    t.throws(() => parseMailAddress(address), { code: 'ERR_INVALID_ARGUMENT' }, address)
})
