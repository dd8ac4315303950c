import { inspect } from 'node:util'
import test from 'ava'
import fc from 'fast-check'
import { isFastnNetError, PublicKey, SecretKey } from 'fastn-net'

const id52 = 'i66fo538lfl5ombdf6tcdbrabp4hmp9asv7nrffuc2im13ct4q60'
const hex = '918cfc1468abea5c596d79bac6af6a5e491b652ae7cf7dbdfe60a5608d9d268c'
const bytes32 = fc.uint8Array({ minLength: 32, maxLength: 32 })

test('a key prints as its ID52', t => {
  const key = PublicKey.from(id52)
  t.is(key.id52, id52)
  t.is(`${key}`, id52)
  t.is(JSON.stringify({ key }), `{"key":"${id52}"}`)
  t.is(inspect(key), `PublicKey(${id52})`)
  t.is(key.toHex(), hex)
})

test('bytes are copied in and out', t => {
  const bytes = Uint8Array.from(Buffer.from(hex, 'hex'))
  const key = PublicKey.from(bytes)
  bytes.fill(0)
  t.is(key.id52, id52)
  key.toBytes().fill(0)
  t.is(key.toHex(), hex)
  t.is(PublicKey.from(Buffer.from(hex, 'hex')).id52, id52)
  t.false(Buffer.isBuffer(key.toBytes()))
})

test('keys with equal bytes are equal, whatever their original form', t => {
  const key = PublicKey.from(id52)
  t.true(key.equals(PublicKey.from(hex)))
  t.false(key.equals(SecretKey.generate().publicKey))
  for (const other of [id52, null, undefined, {}]) t.false(key.equals(other))
  t.is(PublicKey.from(key), key)
})

test('an invalid key is ERR_PEER_ADDRESS', t => {
  const wrong = [
    '',
    'hello',
    id52.slice(1),
    hex.slice(1),
    new Uint8Array(31),
    new Uint8Array(33),
    1,
    null,
    undefined,
    {}
  ]
  for (const key of wrong) {
    const error = t.throws(() => PublicKey.from(key as string), undefined, inspect(key))
    t.true(isFastnNetError(error, 'ERR_PEER_ADDRESS'), inspect(error))
  }
})

test('the error does not repeat long input', t => {
  const secret = `${'e357e8a31fa82958cf0a7697846cb9ed494807d5d8bf95bac9ed21207d8ce6a'}x`
  t.notRegex(inspect(t.throws(() => PublicKey.from(secret))), /e357e8a3/)
})

test("verifies only this key's signature of these bytes", t => {
  fc.assert(
    fc.property(bytes32, fc.uint8Array(), fc.nat(511), (secret, message, bit) => {
      const key = SecretKey.from(secret)
      const signature = key.sign(message)
      const changed = Uint8Array.from(signature)
      changed[bit >> 3]! ^= 1 << (bit & 7)
      return (
        signature.length === 64 &&
        key.publicKey.verify(message, signature) &&
        !key.publicKey.verify(message, changed) &&
        !key.publicKey.verify(message, signature.subarray(1)) &&
        !key.publicKey.verify(Uint8Array.of(...message, 0), signature)
      )
    })
  )
  const error = t.throws(() => PublicKey.from(id52).verify('text' as unknown as Uint8Array, new Uint8Array(64)))
  t.true(isFastnNetError(error, 'ERR_INVALID_ARGUMENT'))
})

test('ID52 in any case, hex and bytes round-trip', t => {
  const cased = fc.array(fc.boolean(), { minLength: 52, maxLength: 52 })
  fc.assert(
    fc.property(bytes32, cased, (secret, upper) => {
      const key = SecretKey.from(secret).publicKey
      const text = Array.from(key.id52, (c, i) => (upper[i] ? c.toUpperCase() : c)).join('')
      return (
        /^[0-9a-v]{51}[0g]$/.test(key.id52) &&
        [text, key.toHex(), key.toBytes()].every(form => PublicKey.from(form).equals(key))
      )
    })
  )
  t.pass()
})

test('spare bits must be zero', t => {
  const digits = '0123456789abcdefghijklmnopqrstuv'
  fc.assert(
    fc.property(bytes32, fc.integer({ min: 1, max: 15 }), (secret, spare) => {
      const text = SecretKey.from(secret).id52
      const last = digits[digits.indexOf(text[51]!) + spare]!
      t.throws(() => PublicKey.from(text.slice(0, 51) + last), { code: 'ERR_PEER_ADDRESS' })
    })
  )
})

test('any string is a key or a FastnNetError', t => {
  const texts = [
    fc.string({ unit: 'binary' }),
    fc.stringMatching(/^[0-9a-zA-Z]{52}$/),
    fc.stringMatching(/^[0-9a-fA-F]{64}$/)
  ]
  fc.assert(
    fc.property(fc.oneof(...texts), text => {
      try {
        return PublicKey.from(text).id52.length === 52
      } catch (error) {
        return isFastnNetError(error, 'ERR_PEER_ADDRESS')
      }
    })
  )
  t.pass()
})
