// Which ID52s the From and Sender fields of a message name, in all forms that mail clients show as such.
import { domainToASCII } from 'node:url'
import test from 'ava'
import { SecretKey } from 'fastn-net'
import { Authors } from '../../dist/mime/authors.js'
import { parseHeader } from '../../dist/mime/headers.js'

const { id52 } = SecretKey.generate()
const [left, right] = [id52.slice(0, 20), id52.slice(20)]

/** The ID52 that a header names, read in chunks of a size. */
function named(header: string, chunk = 7): string | undefined {
  const bytes = Buffer.from(`${header}\r\nSubject: x\r\n\r\nFrom: body\r\n`, 'utf8')
  const authors = new Authors()
  for (let at = 0; at < bytes.length; at += chunk) authors.read(bytes.subarray(at, at + chunk))
  return authors.foreign(() => false)
}

const names = [
  'From',
  'SENDER',
  'from \t',
  'From\v',
  'From\f',
  'From\u00a0',
  '\ufeffFrom',
  '\u0085From',
  'From\r\n ',
  'Fr\r\n\tom',
  ' From'
]
for (const name of names)
  test(`the name of a field as ${encodeURIComponent(name)}`, t => {
    for (const chunk of [1, 7, 10_000]) t.is(named(`${name}: me@${id52}.fastn`, chunk), id52)
  })

const values = {
  folded: `Ann\r\n <me@${id52}.fastn>`,
  'a name': `"me@${id52}.fastn" <ann@example.org>`,
  'an encoded word': `=?utf-8?q?me=40${id52}?= <ann@example.org>`,
  'a zero width space': `me@${left}\u200b${right}.fastn`,
  'a soft hyphen': `me@${left}\u00ad${right}.fastn`,
  'an encoded soft hyphen': `=?utf-8?q?${left}=C2=AD${right}?= <ann@example.org>`,
  NUL: `me@${left}\0${right}.fastn`,
  'a backslash': `me@${left}\\${right}.fastn`,
  'full width': `me@${[...id52].map(each => String.fromCodePoint((each.codePointAt(0) ?? 0) + 0xfee0)).join('')}.fastn`
}
for (const [what, value] of Object.entries(values))
  test(`an ID52 in the value: ${what}`, t => {
    t.is(named(`From: ${value}`), id52)
  })

// Cyrillic and Greek letters; the last one decomposes to an ASCII letter and an accent that is hardly visible.
const alike: Record<string, string> = {
  a: 'а',
  c: 'с',
  e: 'е',
  i: 'і',
  o: 'ο',
  p: 'р',
  '0': 'О',
  '3': 'З',
  '4': 'Ч',
  '6': 'б'
}
const disguised = [...id52].map(each => alike[each] ?? each).join('')
const lookalikes = {
  'the domain': `me@${disguised}.fastn`,
  'one letter': `me@${id52.slice(0, -1)}О.fastn`,
  'a name': `"me@${disguised}.fastn" <ann@example.org>`,
  'an encoded word': `=?utf-8?b?${Buffer.from(`me@${disguised}`).toString('base64')}?= <ann@example.org>`,
  'an international domain': `me@${domainToASCII(`${id52.slice(0, -1)}о`)}.fastn`,
  'a comment inside': `me@${disguised.slice(0, 9)}(x)${disguised.slice(9)}.fastn`
}
for (const [what, value] of Object.entries(lookalikes))
  test(`letters of other alphabets in an ID52: ${what}`, t => {
    t.is(named(`From: ${value}`), 'unknown')
  })

test('an accent or a dot on a letter is no other letter', t => {
  for (const mark of ['\u0301', '\u0323', '\u0307'])
    t.is(named(`From: me@${id52.replace(/[a-v]/, `$&${mark}`)}.fastn`), id52, encodeURIComponent(mark))
})

test('long words of other alphabets, and an own ID52 beside them, are taken', t => {
  const [word, mixed] = ['ש'.repeat(52), `${'寿限無'.repeat(20)}abc`]
  for (const name of [word, mixed, `${mixed} ${word}`]) t.is(named(`From: ${name} <ann@example.org>`), undefined)
  const authors = new Authors()
  authors.read(Buffer.from(`From: ${mixed} <me@${id52}.fastn>\r\n\r\n`))
  t.is(
    authors.foreign(each => each === id52),
    undefined
  )
})

test('other fields, and fields whose names only begin alike, are not scanned', t => {
  for (const header of [
    `To: ${id52}`,
    `From-Me: ${id52}`,
    `X-From: ${id52}`,
    `Subject: a\r\n From: ${id52}`,
    `Fro\r\nTo: ${id52}`
  ])
    t.is(named(header), undefined)
})

test('the parser of ENVELOPE takes no other spelling of a name', t => {
  for (const name of ['From\v', 'From\f', 'From\u00a0', 'From\r\n '])
    t.deepEqual(parseHeader(Buffer.from(`${name}: x\r\n\r\n`, 'latin1'), 0, 99), [], JSON.stringify(name))
  t.is(parseHeader(Buffer.from('From \t: x\r\n\r\n'), 0, 99)[0]?.name, 'from')
})
