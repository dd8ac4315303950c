import { createRequire } from 'node:module'
import { runInNewContext } from 'node:vm'
import test from 'ava'
import { FastnNetError, getEndpoint, isFastnNetError, SecretKey } from 'fastn-net'
import { codeClasses } from '../../dist/modules/code-classes.js'
import { errorCodes } from '../../dist/modules/errors.js'
import { native } from '../../dist/modules/native/addon.js'
import { version } from '../../dist/modules/version.js'
import { Echo, pair } from '../helpers/pair.js'

test('the codes and their classes equal those of the core, in its order', t => {
  t.deepEqual(Object.entries(codeClasses), native().errorCodes(), 'npm run sync writes the table')
  t.deepEqual([...errorCodes], Object.keys(codeClasses))
})

test('package, addon and source have the same version', t => {
  const { version: published } = createRequire(import.meta.url)('fastn-net/package.json') as { version: string }
  t.deepEqual([version, native().version()], [published, published])
})

test('an error has only its known properties', t => {
  const cause = new Error('why')
  const error = new FastnNetError('ERR_REFUSED', 'ask again', { peer: 'p', remoteCode: 'later', cause })
  t.like(error, {
    name: 'FastnNetError',
    code: 'ERR_REFUSED',
    message: 'ask again',
    peer: 'p',
    remoteCode: 'later',
    cause
  })
  t.false('errorCode' in error)
  t.false('cause' in new FastnNetError('ERR_CLOSED', 'closed'))
  t.true(error instanceof Error)
})

test('instanceof works across copies of the class', t => {
  const error = new FastnNetError('ERR_BUSY', 'later')
  t.true(isFastnNetError(error))
  t.true(isFastnNetError(error, 'ERR_BUSY'))
  t.false(isFastnNetError(error, 'ERR_CLOSED'))
  const copy = runInNewContext(
    "Object.assign(new Error('x'), { code: 'ERR_BUSY', [Symbol.for('fastn-net.error')]: true })"
  )
  t.true(copy instanceof FastnNetError)
  t.true(isFastnNetError(copy, 'ERR_BUSY'))
  for (const other of [new Error('x'), null, undefined, 'ERR_BUSY', { code: 'ERR_BUSY' }])
    t.false(isFastnNetError(other))
})

// The stack must contain the names of these functions, which are the callers.
const stackOf = async (call: () => Promise<unknown>): Promise<string> => {
  try {
    await call()
  } catch (error) {
    return (error as Error).stack ?? ''
  }
  return 'nothing was thrown'
}

test('the stack shows the caller, however late the error occurred', async t => {
  await using peers = await pair()
  const { client, server } = peers
  const nobody = { id52: SecretKey.generate().id52, addresses: ['127.0.0.1:9'] }

  async function callerOfGetStream() {
    await client.getStream(nobody, Echo, { timeout: 100 })
  }
  t.regex(await stackOf(callerOfGetStream), /callerOfGetStream/)

  const serving = server.acceptBi('Http')
  await client.connect(server.address())
  async function callerOfRefused() {
    await client.getStream(server.id52, 'Tcp')
  }
  t.regex(await stackOf(callerOfRefused), /callerOfRefused/)
  await serving.return()

  for (const kind of ['read', 'into', 'line', 'loop', 'write'] as const) {
    const [mine, theirs] = await peers.stream()
    const callers = {
      async read() {
        await callerOf(mine.read())
      },
      async into() {
        await callerOf(mine.read({ into: new Uint8Array(9) }))
      },
      async line() {
        await callerOf(mine.nextJson())
      },
      async loop() {
        for await (const _ of mine) break
      },
      async write() {
        await callerOf(mine.write(new Uint8Array(32_000_000)))
      }
    }
    setTimeout(() => {
      theirs.reset(1)
      theirs.stop(1)
    }, 20)
    t.regex(await stackOf(callers[kind]), new RegExp(`at async .*${kind}`), kind)
  }
})

async function callerOf(call: Promise<unknown>) {
  await call
}

test("a stream's error names its peer and protocol", async t => {
  await using peers = await pair()
  const [mine, theirs] = await peers.stream()
  mine.reset(5)
  t.like(await theirs.read().catch(error => error), {
    code: 'ERR_STREAM_RESET',
    errorCode: 5,
    peer: peers.client.id52,
    protocol: Echo,
    phase: 'read'
  })
})

test('ERR_BIND names the address and the reason', async t => {
  const bind = async (...addresses: string[]) => {
    const endpoint = await getEndpoint(SecretKey.generate(), { network: { bind: addresses } })
    t.teardown(() => endpoint.close())
    return endpoint
  }
  const [taken = ''] = (await bind('127.0.0.1:0')).address().addresses
  await t.throwsAsync(bind(taken), { code: 'ERR_BIND', message: new RegExp(`${taken}.*in use`) })
  // Of several addresses, the one that cannot be bound.
  await t.throwsAsync(bind('[::1]:0', taken), { code: 'ERR_BIND', message: new RegExp(`${taken}.*in use`) })
  await t.throwsAsync(bind('192.0.2.1:0'), { code: 'ERR_BIND', message: /192\.0\.2\.1:0.*no such address/ })
  await t.throwsAsync(bind('127.0.0.1:0', '127.0.0.1:0'), {
    code: 'ERR_BIND',
    message: /127\.0\.0\.1:0.*single.*family/
  })
})

test('only an error of a subclass is an instance of the subclass', t => {
  class Own extends FastnNetError {}
  const own = new Own('ERR_BUSY', 'later')
  t.true(own instanceof Own && own instanceof FastnNetError)
  t.false(new FastnNetError('ERR_BUSY', 'later') instanceof Own)
})

test('an error has a cause if one is given, even undefined', t => {
  t.false('cause' in new FastnNetError('ERR_BUSY', 'later'))
  t.true('cause' in new FastnNetError('ERR_BUSY', 'later', { cause: undefined }))
  t.is(new FastnNetError('ERR_BUSY', 'later', { cause: 'why' }).cause, 'why')
  for (const wrong of [null, 5, 'text'] as never[]) t.is(new FastnNetError('ERR_BUSY', 'later', wrong).message, 'later')
})
