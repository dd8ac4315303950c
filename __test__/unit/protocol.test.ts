import { readFileSync } from 'node:fs'
import { inspect } from 'node:util'
import test from 'ava'
import fc from 'fast-check'
import { isFastnNetError, type Json, Protocol } from 'fastn-net'
import { protocolText } from '../../dist/modules/stream/protocol.js'

test('generic makes a Generic protocol', t => {
  t.deepEqual(Protocol.generic('Echo'), { Generic: 'Echo' })
  t.is(protocolText(Protocol.generic({ b: [1, null], a: 'x' })), '{"Generic":{"a":"x","b":[1,null]}}')
})

test('any JSON value round-trips, and key order does not matter', t => {
  const reversed = (value: Json): Json => {
    if (Array.isArray(value)) return value.map(reversed)
    if (typeof value !== 'object' || value === null) return value
    const entries = Object.entries(value).map(([key, inner]) => [key, reversed(inner)])
    return Object.fromEntries(entries.reverse())
  }
  fc.assert(
    fc.property(fc.jsonValue(), value => {
      const json = value as Json
      const text = protocolText({ Generic: json })
      t.is(text, protocolText({ Generic: reversed(json) }))
      t.false(text.includes('\n'))
      // Like JSON.stringify, which drops the sign of -0.
      t.deepEqual(JSON.parse(text), { Generic: JSON.parse(JSON.stringify(value)) })
    })
  )
})

test('an invalid protocol is ERR_INVALID_ARGUMENT', t => {
  const circle: Record<string, unknown> = {}
  circle.self = circle
  const wrong = [
    ...['Generic', '\ud800', null, undefined, 1, [], {}, () => 1, Symbol('x')],
    ...[{ Echo: null }, { Tcp: 1 }, { Generic: 1, Tcp: null }, { Generic: undefined }],
    ...[Number.NaN, Number.POSITIVE_INFINITY, 1n, [undefined], { a: undefined }, { a: () => 1 }, circle, '\ud800'].map(
      value => ({ Generic: value })
    )
  ]
  for (const protocol of wrong) {
    const error = t.throws(() => protocolText(protocol as Protocol), undefined, inspect(protocol))
    t.true(isFastnNetError(error, 'ERR_INVALID_ARGUMENT'), inspect(error))
  }
})

test('the error has one line, even for a circular value', t => {
  const circle: Record<string, unknown> = {}
  circle.outer = { inner: [circle] }
  const failing = {
    toJSON() {
      throw new Error('first\u{1b}[31m\nsecond')
    }
  }
  for (const value of [circle, failing]) {
    const error = t.throws(() => protocolText({ Generic: value } as unknown as Protocol)) as Error
    t.true(isFastnNetError(error, 'ERR_INVALID_ARGUMENT'), inspect(error))
    t.regex(
      error.message,
      /^not a protocol: [^\p{Cc}]+; write 'NAME', Protocol\.generic\('NAME'\) or Protocol\.generic\(value\)$/u
    )
    t.true(error.cause instanceof Error)
  }
})

test('the error describes the invalid protocol', t => {
  const given: [unknown, string][] = [
    [[], 'it is an array'],
    [null, 'it is null'],
    [undefined, 'it is undefined'],
    [5, 'it is 5'],
    [{ Echo: null, a: 1 }, 'it is an object with the keys ["Echo","a"]']
  ]
  for (const [protocol, said] of given) {
    const { message } = t.throws(() => protocolText(protocol as Protocol)) as Error
    t.true(message.startsWith(`not a protocol: ${said}; write`), message)
  }
})

test('a string is the unit protocol of that name, or else a Generic', t => {
  const golden = new URL('../../crates/fastn-net-proto/tests/golden/protocol.json', import.meta.url)
  const { units } = JSON.parse(readFileSync(golden, 'utf8')) as { units: string[] }
  for (const name of units) {
    t.is(protocolText(name), JSON.stringify(name))
    t.is(Protocol.unit(name as 'Http') as string, name)
  }
  for (const name of ['Echo', 'ping', '', 'constructor']) t.is(protocolText(name), JSON.stringify({ Generic: name }))
})
