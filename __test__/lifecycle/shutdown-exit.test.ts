// How a program that reads stdin ends on signals.
import test, { type ExecutionContext } from 'ava'
import { Program } from '../helpers/program.js'

async function chat(t: ExecutionContext, way: string, timeout?: number): Promise<Program> {
  const program = new Program({ name: 'chat', stdin: 'pipe' }, way, ...(timeout === undefined ? [] : [String(timeout)]))
  t.regex(await program.line(), /^\{/)
  return program
}

for (const [signal, status] of [
  ['SIGINT', 130],
  ['SIGTERM', 143]
] as const) {
  test(`with exit, ${signal} during a read of stdin ends the process with status ${status}, after the report`, async t => {
    const program = await chat(t, 'exit')
    program.kill(signal)
    const { lines, ...ended } = await program.ended
    t.deepEqual(ended, { code: status, signal: null, stderr: '' })
    t.deepEqual(lines.slice(1), ['cancelled', 'clean'])
  })
}

test('with exit, a second Ctrl-C ends the process at once, with the same status', async t => {
  const program = await chat(t, 'stuck', 2 ** 31)
  program.kill('SIGINT')
  t.is(await program.line(), 'cancelled')
  program.kill('SIGINT')
  const { code, lines } = await program.ended
  t.deepEqual([code, lines.slice(1)], [130, ['cancelled']])
})

test('with exit, unfinished work is reported before the process ends', async t => {
  const program = await chat(t, 'stuck', 100)
  program.kill('SIGINT')
  const { code, lines } = await program.ended
  t.deepEqual([code, lines.slice(1)], [130, ['cancelled', 'unclean']])
})

test('with exit and without onReport, the warning about unfinished work is printed', async t => {
  const program = await chat(t, 'silent', 100)
  program.kill('SIGTERM')
  const { code, stderr } = await program.ended
  t.is(code, 143)
  t.regex(stderr, /unfinished: stuck work/)
})

test('without exit, a read of stdin that takes the signal of Graceful ends, and the process with it', async t => {
  const program = await chat(t, 'signal')
  program.kill('SIGINT')
  const { lines, ...ended } = await program.ended
  t.deepEqual(ended, { code: 0, signal: null, stderr: '' })
  t.deepEqual(lines.slice(1).sort(), ['cancelled', 'clean', 'end of stdin'])
})
