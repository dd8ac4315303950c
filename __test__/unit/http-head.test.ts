// The head of a message, however its bytes are split.
import test from 'ava'
import { parseHead, readHead } from '../../dist/modules/http/head.js'

/** A receiving half that yields these pieces. */
function readerOf(pieces: readonly string[]) {
  const left = pieces.map(piece => Buffer.from(piece, 'latin1'))
  return { read: async () => left.shift() ?? null } as unknown as Parameters<typeof readHead>[0]
}

test('a head is parsed the same wherever its bytes are split', async t => {
  const head = 'GET / HTTP/1.1\r\nHost: a\r\nX: y'
  const whole = `${head}\r\n\r\nrest`
  const cuts = [1, 2, 3, 4, 5, 7].map(size => whole.match(new RegExp(`[^]{1,${size}}`, 'g')) as string[])
  for (let at = 1; at < whole.length; at++) cuts.push([whole.slice(0, at), whole.slice(at)])
  for (const pieces of cuts) {
    const read = await readHead(readerOf(pieces), 1_000)
    t.is(read?.text, head)
    t.is(parseHead(head).host, 'a')
  }
})

test('a bare LF is rejected wherever the bytes are split', async t => {
  for (const whole of ['GET / HTTP/1.1\nHost: a\n\n', '\nGET', 'GET / HTTP/1.1\r\nHost: a\nX: y'])
    for (let at = 1; at < whole.length; at++)
      await t.throwsAsync(readHead(readerOf([whole.slice(0, at), whole.slice(at)]), 1_000), {
        message: 'a line ends without CR'
      })
})
