import { readFileSync } from 'node:fs'
import test from 'ava'
import { isFastnNetError, type Protocol, PublicKey, SecretKey } from 'fastn-net'
import { protocolText } from '../../dist/modules/stream/protocol.js'

interface Golden {
  identity: {
    keys: { secret: string; id52: string; hex: string; z32: string; message: string; signature: string }[]
    invalid: { text: string; says: string }[]
  }
  protocol: {
    canonical: { written: string; read: string[] }[]
    invalid: string[]
  }
  wire: {
    headers: { protocol: Protocol; extra: string | null; hex: string }[]
  }
}

// Files shared with the core's tests.
function golden<Name extends keyof Golden>(name: Name): Golden[Name] {
  const url = new URL(`../../crates/fastn-net-proto/tests/golden/${name}.json`, import.meta.url)
  return JSON.parse(readFileSync(url, 'utf8')) as Golden[Name]
}

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')

test('keys, their text forms and signatures match the golden vectors', t => {
  for (const key of golden('identity').keys) {
    const secretKey = SecretKey.from(key.secret)
    t.is(secretKey.id52, key.id52)
    for (const form of [key.id52, key.id52.toUpperCase(), key.hex, key.hex.toUpperCase(), key.z32]) {
      t.true(PublicKey.from(form).equals(secretKey.publicKey), form)
    }
    t.is(secretKey.publicKey.toHex(), key.hex)
    const message = new TextEncoder().encode(key.message)
    t.is(hex(secretKey.sign(message)), key.signature)
    t.true(secretKey.publicKey.verify(message, Buffer.from(key.signature, 'hex')))
  }
})

test('errors of invalid keys match the golden vectors', t => {
  for (const { text, says } of golden('identity').invalid) {
    const error = t.throws(() => PublicKey.from(text), undefined, text)
    t.true(isFastnNetError(error, 'ERR_PEER_ADDRESS'))
    t.true(error.message.includes(says), `${error.message} does not say ${says}`)
  }
})

test('protocols are written like in the core', t => {
  // JavaScript numbers have neither 1.0 nor integers above 2^53.
  const sayable = golden('protocol').canonical.filter(({ written }) => JSON.stringify(JSON.parse(written)) === written)
  t.true(sayable.length > 12)
  for (const { written, read } of sayable) {
    for (const text of [written, ...read]) t.is(protocolText(JSON.parse(text) as Protocol), written)
  }
})

test('headers match the golden vectors byte for byte', t => {
  for (const { protocol, extra, hex: expected } of golden('wire').headers) {
    const lines = [protocolText(protocol), ...(extra === null ? [] : [extra])]
    t.is(hex(new TextEncoder().encode(lines.map(line => `${line}\n`).join(''))), expected)
  }
})
