import test from 'ava'
import { resolveOptions } from '../../dist/modules/endpoint/options.js'

const guard = (options: Parameters<typeof resolveOptions>[0]) =>
  resolveOptions({ network: 'loopback', ...options }).binding.guard

test('every timeout accepts 0, Infinity and fractions, which are rounded up', t => {
  for (const [given, resolved] of [
    [0, 0],
    [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY],
    [1.2, 2]
  ] as const) {
    t.is(guard({ authorize: { timeout: given } }).authorize.timeout, resolved)
    const { binding, openTimeout, closeTimeout } = resolveOptions({
      network: 'loopback',
      openTimeout: given,
      ackTimeout: given,
      closeTimeout: given,
      headerTimeout: given,
      pingTimeout: given,
      idleTimeout: given,
      connect: { attemptTimeout: given }
    })
    t.deepEqual([openTimeout, closeTimeout], [resolved, resolved])
    t.deepEqual(
      [binding.limits.headerTimeout, binding.limits.pingTimeout, binding.limits.idleTimeout],
      [resolved, resolved, resolved]
    )
    t.deepEqual([binding.limits.ackTimeout, binding.connect.attemptTimeout], [resolved, resolved])
  }
})

test('limits of authorize must be positive integers', t => {
  for (const name of ['maxPending', 'maxPendingPerPeer'] as const) {
    for (const wrong of [0, 1.5, Number.POSITIVE_INFINITY]) {
      const message = new RegExp(`options\\.authorize\\.${name}\\b`)
      t.throws(() => guard({ authorize: { [name]: wrong } }), { code: 'ERR_INVALID_ARGUMENT', message })
    }
  }
  t.deepEqual(guard({ authorize: { maxPending: 7, maxPendingPerPeer: 5 } }).authorize, {
    peer: false,
    stream: false,
    maxPending: 7,
    maxPendingPerPeer: 5
  })
})

test('streamsBurst defaults to streamsPerSecond', t => {
  t.like(guard({}), { streamsPerSecond: null, streamsBurst: 1 })
  t.like(guard({ streamsPerSecond: 9 }), { streamsPerSecond: 9, streamsBurst: 9 })
  t.like(guard({ streamsPerSecond: 9, streamsBurst: 30 }), { streamsPerSecond: 9, streamsBurst: 30 })
})

test('a single dial delay adjusts the default of the other', t => {
  const delays = (connect: { minDelay?: number; maxDelay?: number }) => {
    const { binding } = resolveOptions({ network: 'loopback', connect })
    return binding.connect
  }
  t.deepEqual(delays({}), {})
  t.deepEqual(delays({ maxDelay: 50 }), { minDelay: 50, maxDelay: 50 })
  t.deepEqual(delays({ minDelay: 40_000 }), { minDelay: 40_000, maxDelay: 40_000 })
  t.deepEqual(delays({ minDelay: 5, maxDelay: 5 }), { minDelay: 5, maxDelay: 5 })
})

test('authorize without a callback authorizes everyone', t => {
  t.like(guard({ authorize: {} }), { authorize: { peer: false, stream: false } })
  t.like(guard({ authorize: { peer: () => true } }), { authorize: { peer: true, stream: false } })
  t.like(guard({ authorize: { stream: () => true } }), { authorize: { peer: false, stream: true } })
})
