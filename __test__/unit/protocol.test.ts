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
  for (const name of ['Echo', 'ping', 'constructor']) t.is(protocolText(name), JSON.stringify({ Generic: name }))
})

test('equals is equality on the wire', t => {
  const golden = new URL('../../crates/fastn-net-proto/tests/golden/protocol.json', import.meta.url)
  const { classes } = JSON.parse(readFileSync(golden, 'utf8')) as { classes: string[][] }
  // JavaScript numbers have neither 1.0 nor integers above 2^53.
  const sayable = (text: string) => JSON.stringify(JSON.parse(text)) === text
  const values = classes.flatMap((texts, number) =>
    texts.filter(text => sayable(text) && text !== '{"Ping":null}').map(text => ({ number, text }))
  )
  t.true(values.length > 10)
  for (const a of values)
    for (const b of values) {
      const isEqual = Protocol.equals(JSON.parse(a.text), JSON.parse(b.text))
      t.is(isEqual, a.number === b.number, `${a.text} ${b.text}`)
    }
})

test('equals accepts every form of a protocol', t => {
  t.true(Protocol.equals('Echo', Protocol.generic('Echo')))
  t.true(Protocol.equals('Http', Protocol.unit('Http')))
  t.true(Protocol.equals(Protocol.generic({ a: 1, b: [2] }), Protocol.generic({ b: [2], a: 1 })))
  t.false(Protocol.equals('Http', Protocol.generic('Http')))
  t.false(Protocol.equals('Echo', 'echo'))
  t.false(Protocol.equals(Protocol.generic([1, 2]), Protocol.generic([2, 1])))
  t.false(Protocol.equals(Protocol.generic('1'), Protocol.generic(1)))
  t.throws(() => Protocol.equals('Echo', { Generic: Number.NaN }), { code: 'ERR_INVALID_ARGUMENT' })
})
