import test from 'ava'
import { expectTypeOf } from 'expect-type'
import {
  type Connection,
  type ConnectionStats,
  type Endpoint,
  type EndpointOptions,
  type FastnNetError,
  type FastnNetErrorCode,
  getEndpoint,
  isFastnNetError,
  type Json,
  type Peer,
  type PeerInfo,
  type PeerStream,
  Protocol,
  type ProtocolInput,
  type PublicKey,
  type SecretKey
} from 'fastn-net'
import type { PeerDuplex } from 'fastn-net/node'

interface Topic {
  readonly room: string
  readonly tags?: readonly string[]
  readonly owner: { readonly name: string | null }
}

const topic: Topic = { room: 'a', owner: { name: null } }

// Checked by the compiler; what runs only says that it was compiled.
test('the types are what they are meant to be', t => {
  expectTypeOf<PeerStream['read']>().toBeCallableWith()
  expectTypeOf<PeerStream['read']>().toBeCallableWith({ into: new Uint8Array(1) })
  const reads = (stream: PeerStream) => [stream.read(), stream.read({ into: new Uint8Array(1) })] as const
  expectTypeOf(reads).returns.toEqualTypeOf<readonly [Promise<Uint8Array | null>, Promise<number | null>]>()

  const json = (stream: PeerStream) => [stream.nextJson(), stream.nextJson<{ a: number }>()] as const
  expectTypeOf(json).returns.toEqualTypeOf<readonly [Promise<Json>, Promise<{ a: number }>]>()

  expectTypeOf<PeerStream>().toExtend<AsyncIterable<Uint8Array>>()
  expectTypeOf<PeerStream>().toExtend<AsyncDisposable>()
  expectTypeOf<Endpoint>().toExtend<AsyncDisposable>()
  expectTypeOf<Endpoint['getStream']>().returns.resolves.toEqualTypeOf<PeerStream>()
  expectTypeOf<Endpoint['connect']>().returns.resolves.toEqualTypeOf<Connection>()
  expectTypeOf<ReturnType<Endpoint['acceptBi']>>().toExtend<AsyncIterable<PeerStream>>()
  expectTypeOf<ReturnType<Endpoint['address']>>().toExtend<Peer>()
  expectTypeOf<ReturnType<Endpoint['watch']>>().toExtend<AsyncIterable<PeerInfo> & AsyncDisposable>()
  expectTypeOf<Endpoint['peers']>().returns.toEqualTypeOf<readonly PeerInfo[]>()
  expectTypeOf<PeerInfo['lastError']>().toEqualTypeOf<FastnNetError | null>()
  expectTypeOf<PeerInfo['connections'][number]['stats']>().toEqualTypeOf<ConnectionStats>()
  expectTypeOf<Endpoint['metrics']>().returns.toEqualTypeOf<string>()
  expectTypeOf<PublicKey>().toExtend<Peer>()
  expectTypeOf<SecretKey>().not.toExtend<PublicKey>()
  expectTypeOf<PeerDuplex>().toExtend<NodeJS.ReadWriteStream>()

  // What may be there or not can be passed on as it is, however strict the program's own settings are.
  expectTypeOf<Endpoint['getStream']>().toBeCallableWith('', 'Http', { signal: undefined, timeout: undefined })
  expectTypeOf<PeerStream['nextString']>().toBeCallableWith({ signal: undefined, maxBytes: undefined })
  expectTypeOf<{ network: undefined; allow: undefined; closeTimeout: undefined }>().toExtend<EndpointOptions>()

  expectTypeOf<'Http'>().toExtend<Protocol>()
  expectTypeOf<'Echo'>().not.toExtend<Protocol>()
  expectTypeOf(Protocol.generic({ a: [1, null] })).toExtend<Protocol>()
  expectTypeOf<{ Generic: undefined }>().not.toExtend<Protocol>()
  expectTypeOf<Protocol>().toExtend<ProtocolInput>()
  expectTypeOf<string>().toExtend<ProtocolInput>()
  expectTypeOf<PeerStream['protocol']>().toEqualTypeOf<Protocol>()
  expectTypeOf(Protocol.unit('Http')).toEqualTypeOf<'Http'>()

  // An interface has no index signature of its own, and is JSON all the same.
  expectTypeOf(Protocol.generic(topic)).toExtend<Protocol>()
  expectTypeOf(Protocol.generic([topic, { of: topic }])).toExtend<Protocol>()
  expectTypeOf(Protocol.generic('Echo')).toEqualTypeOf<{ readonly Generic: 'Echo' }>()
  // @ts-expect-error: JSON cannot say it
  Protocol.generic({ at: new Date() })
  // @ts-expect-error: JSON cannot say it
  Protocol.generic({ run: () => {} })
  // @ts-expect-error: JSON cannot say it
  Protocol.generic(undefined)

  expectTypeOf<'ERR_UNREACHABLE'>().toExtend<FastnNetErrorCode>()
  expectTypeOf<string>().not.toExtend<FastnNetErrorCode>()
  expectTypeOf<{ network: 'moon' }>().not.toExtend<EndpointOptions>()

  const caught: unknown = null
  if (isFastnNetError(caught)) expectTypeOf(caught.code).toEqualTypeOf<FastnNetErrorCode>()

  const handlers = (endpoint: Endpoint) => {
    endpoint.listen({ Echo: stream => expectTypeOf(stream).toEqualTypeOf<PeerStream>() })
    // @ts-expect-error: this library answers it itself
    endpoint.listen({ Ping: () => {} })
    // @ts-expect-error: that is no name of a protocol
    endpoint.listen({ Generic: () => {} })
    endpoint.listen([['Echo', stream => stream.finish()]])
    endpoint.acceptBi(['Echo', 'Http', Protocol.generic(1)])
    endpoint.getStream('', 'Echo')
    // @ts-expect-error: it is made by getEndpoint
    ;new (endpoint.constructor as typeof Endpoint)()
    endpoint.listen({ Http: async stream => expectTypeOf(stream).toEqualTypeOf<PeerStream>() })
    endpoint.listen([[Protocol.generic('Echo'), stream => stream.finish()]])
  }
  t.is(typeof handlers, 'function')

  const misspelt = (endpoint: Endpoint, stream: PeerStream, key: SecretKey) => {
    // @ts-expect-error: an unknown option
    getEndpoint(key, { alow: [] })
    // @ts-expect-error: an unknown option
    getEndpoint(key, { network: { mdsn: true } })
    // @ts-expect-error: an unknown option
    getEndpoint(key, { authorize: { pear: () => true } })
    // @ts-expect-error: an unknown option
    endpoint.getStream('', 'Http', { akc: 'later' })
    // @ts-expect-error: an unknown option
    endpoint.listen({}, { onerror: () => {} })
    // @ts-expect-error: an unknown option
    stream.read({ intoo: new Uint8Array(1) })
    // @ts-expect-error: an unknown option
    stream.write('', { singal: undefined })
    // @ts-expect-error: an unknown option
    endpoint.access.set({ dney: [] })
  }
  t.is(typeof misspelt, 'function')
})
