import { inspect } from 'node:util'
import test from 'ava'
import { isFastnNetError, PublicKey, SecretKey } from 'fastn-net'

const hex = '100d7e23f222267ba0be43855a262461b8a7718572edf58c56db912156d2bc25'
const id52 = 'i66fo538lfl5ombdf6tcdbrabp4hmp9asv7nrffuc2im13ct4q60'

test('hex and bytes round-trip to the same key', t => {
  const bytes = Uint8Array.from(Buffer.from(hex, 'hex'))
  for (const from of [hex, hex.toUpperCase(), bytes, Buffer.from(hex, 'hex')]) {
    const key = SecretKey.from(from)
    t.is(key.id52, id52)
    t.true(key.publicKey.equals(PublicKey.from(id52)))
    t.is(key.toHex(), hex)
    t.deepEqual(key.toBytes(), bytes)
    t.is(SecretKey.from(key), key)
  }
})

test('bytes are copied in and out', t => {
  const bytes = Uint8Array.from(Buffer.from(hex, 'hex'))
  const key = SecretKey.from(bytes)
  bytes.fill(0)
  key.toBytes().fill(0)
  t.is(key.toHex(), hex)
})

test('generated keys differ', t => {
  t.is(new Set(Array.from({ length: 50 }, () => SecretKey.generate().toHex())).size, 50)
})

test('the secret is never printed', t => {
  const key = SecretKey.from(hex)
  const shown = [
    String(key),
    `${key}`,
    JSON.stringify({ key }),
    inspect(key),
    inspect({ deep: [{ key }] }, { depth: null }),
    inspect(key, { showHidden: true, customInspect: false, getters: true, depth: null }),
    JSON.stringify(Object.getOwnPropertyDescriptors(key)),
    inspect(structuredClone(key)),
    inspect({ ...key })
  ]
  const raw = inspect(key.toBytes()).slice(18, 40)
  for (const text of shown) {
    t.false(text.includes(hex.slice(0, 8)), text)
    t.false(text.includes(raw), text)
  }
  t.is(String(key), `SecretKey(${id52})`)
  t.is(inspect(key), `SecretKey(${id52})`)
})

test('an invalid secret key is ERR_SECRET_KEY, and the message does not repeat it', t => {
  const wrong = [
    '',
    hex.slice(1),
    `${hex}0`,
    `${hex}\n`,
    hex.replace('7', 'x'),
    id52,
    new Uint8Array(31),
    new Uint8Array(64)
  ]
  for (const key of [...wrong, 1, null, undefined, {}]) {
    const error = t.throws(() => SecretKey.from(key as string), undefined, inspect(key))
    t.true(isFastnNetError(error, 'ERR_SECRET_KEY'), inspect(error))
    t.false(inspect(error).includes(hex.slice(1, 9)))
  }
  t.regex(t.throws(() => SecretKey.from(id52)).message, /public key/)
})

test('the stack starts at the caller', t => {
  t.regex(t.throws(() => SecretKey.from('x')).stack ?? '', /secret-key\.test/)
})

test('detached bytes are neither a key nor a message nor a signature', t => {
  const detached = new Uint8Array(32)
  structuredClone(detached.buffer, { transfer: [detached.buffer] })
  const key = SecretKey.generate()
  const none = new Uint8Array(0)
  for (const call of [
    () => SecretKey.from(detached),
    () => PublicKey.from(detached),
    () => key.sign(detached),
    () => key.publicKey.verify(detached, key.sign(none)),
    () => key.publicKey.verify(none, detached)
  ])
    t.throws(call, { code: 'ERR_INVALID_ARGUMENT', message: / must not be detached$/ })
  t.true(key.publicKey.verify(none, key.sign(none)))
})

test('sign accepts only bytes', t => {
  const error = t.throws(() => SecretKey.from(hex).sign('text' as unknown as Uint8Array))
  t.true(isFastnNetError(error, 'ERR_INVALID_ARGUMENT'))
  t.deepEqual(SecretKey.from(hex).sign(Uint8Array.of(1)), SecretKey.from(hex).sign(Buffer.of(1)))
})
