import test from 'ava'
import { expectTypeOf } from 'expect-type'
import {
  type Authorize,
  type CancelOptions,
  type Connection,
  type ConnectionStats,
  type ConnectOptions,
  type CreateEndpointOptions,
  type CustomNetwork,
  createEndpoint,
  type DnsLookup,
  type Endpoint,
  type EndpointOptions,
  type ExplainOptions,
  type FastnNetError,
  type FastnNetErrorCode,
  type FastnNetErrorOptions,
  type GracefulOptions,
  getEndpoint,
  isFastnNetError,
  type Json,
  type LineOptions,
  type Listener,
  type ListenOptions,
  type LoadSecretKeyOptions,
  type LoggerOptions,
  type OpenOptions,
  type Peer,
  type PeerAddress,
  type PeerInfo,
  type PeerStream,
  type Policy,
  type PolicyRate,
  type PolicyRule,
  Protocol,
  type PublicKey,
  type RelayAddress,
  type SecretKey,
  type SpawnOptions,
  type TimeoutOptions
} from 'fastn-net'
import type { PeerDuplex, PeerDuplexOptions } from 'fastn-net/node'

interface Topic {
  readonly room: string
  readonly tags?: readonly string[]
  readonly owner: { readonly name: string | null }
}

const topic: Topic = { room: 'a', owner: { name: null } }

/** Names of optional properties that may be absent but not `undefined`. */
type Strict<Options> = {
  [Name in keyof Options]-?: Record<never, never> extends Pick<Options, Name>
    ? { [Each in Name]: undefined } extends Pick<Options, Name>
      ? never
      : Name
    : never
}[keyof Options]

// The compiler checks this; the test only proves that it compiled.
test('the types accept valid programs and reject invalid ones', t => {
  expectTypeOf<PeerStream['read']>().toBeCallableWith()
  expectTypeOf<PeerStream['read']>().toBeCallableWith({ into: new Uint8Array(1) })
  const reads = (stream: PeerStream) => [stream.read(), stream.read({ into: new Uint8Array(1) })] as const
  expectTypeOf(reads).returns.toEqualTypeOf<
    readonly [Promise<Uint8Array<ArrayBuffer> | null>, Promise<number | null>]
  >()

  const json = (stream: PeerStream) => [stream.nextJson(), stream.nextJson<{ a: number }>()] as const
  expectTypeOf(json).returns.toEqualTypeOf<readonly [Promise<Json>, Promise<{ a: number }>]>()

  expectTypeOf<PeerStream>().toExtend<AsyncIterable<Uint8Array>>()
  expectTypeOf<PeerStream>().toExtend<AsyncDisposable>()
  expectTypeOf<Endpoint>().toExtend<AsyncDisposable>()
  expectTypeOf<Listener>().toExtend<AsyncDisposable>()
  expectTypeOf<Endpoint['getStream']>().returns.resolves.toEqualTypeOf<PeerStream>()
  expectTypeOf(createEndpoint).toBeCallableWith()
  expectTypeOf(createEndpoint).toBeCallableWith({ key: 'server.key', network: 'loopback' })
  expectTypeOf(createEndpoint).returns.resolves.toEqualTypeOf<Endpoint>()
  expectTypeOf<Strict<CreateEndpointOptions>>().toBeNever()
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

  // Optional values can be passed on, even with the strictest settings of a program.
  expectTypeOf<Endpoint['getStream']>().toBeCallableWith('', 'Http', { signal: undefined, timeout: undefined })
  expectTypeOf<PeerStream['nextString']>().toBeCallableWith({ signal: undefined, maxBytes: undefined })
  expectTypeOf<{ network: undefined; allow: undefined; closeTimeout: undefined }>().toExtend<EndpointOptions>()

  expectTypeOf<{ allow: Set<string>; deny: readonly PublicKey[] }>().toExtend<EndpointOptions>()
  // A single peer is a mistake for a list, although a string is an iterable of strings.
  expectTypeOf<{ allow: string }>().not.toExtend<EndpointOptions>()

  expectTypeOf<'Http'>().toExtend<Protocol>()
  expectTypeOf<'Echo'>().toExtend<Protocol>()
  expectTypeOf(Protocol.generic({ a: [1, null] })).toExtend<Protocol>()
  expectTypeOf<{ Generic: undefined }>().not.toExtend<Protocol>()
  expectTypeOf<string>().toExtend<Protocol>()
  expectTypeOf<{ Echo: null }>().not.toExtend<Protocol>()
  expectTypeOf(Protocol.equals).toBeCallableWith('Echo', Protocol.generic({ a: 1 }))
  expectTypeOf<PeerStream['protocol']>().toEqualTypeOf<Protocol>()
  expectTypeOf(Protocol.unit('Http')).toEqualTypeOf<'Http'>()

  // An interface has no index signature, but is valid JSON.
  expectTypeOf(Protocol.generic(topic)).toExtend<Protocol>()
  expectTypeOf(Protocol.generic([topic, { of: topic }])).toExtend<Protocol>()
  expectTypeOf(Protocol.generic('Echo')).toEqualTypeOf<{ readonly Generic: 'Echo' }>()
  // @ts-expect-error: not valid JSON
  Protocol.generic({ at: new Date() })
  // @ts-expect-error: not valid JSON
  Protocol.generic({ run: () => {} })
  // @ts-expect-error: not valid JSON
  Protocol.generic(undefined)

  expectTypeOf<'ERR_UNREACHABLE'>().toExtend<FastnNetErrorCode>()
  expectTypeOf<string>().not.toExtend<FastnNetErrorCode>()
  expectTypeOf<{ network: 'moon' }>().not.toExtend<EndpointOptions>()

  // Returned bytes fit APIs that require an ArrayBuffer.
  type Bytes = Uint8Array<ArrayBuffer>
  expectTypeOf<SecretKey['toBytes']>().returns.toEqualTypeOf<Bytes>()
  expectTypeOf<SecretKey['sign']>().returns.toEqualTypeOf<Bytes>()
  expectTypeOf<PublicKey['toBytes']>().returns.toEqualTypeOf<Bytes>()
  expectTypeOf<PeerStream>().toExtend<AsyncIterable<Bytes>>()
  expectTypeOf<PeerStream['readable']>().toEqualTypeOf<ReadableStream<Bytes>>()
  const maybeInto = (stream: PeerStream, into: Uint8Array | undefined) => stream.read({ into })
  expectTypeOf(maybeInto).returns.resolves.toEqualTypeOf<Bytes | number | null>()

  // Each has an id52, but is not an address.
  expectTypeOf<PeerStream>().not.toExtend<Peer>()
  expectTypeOf<Endpoint>().not.toExtend<Peer>()
  expectTypeOf<SecretKey>().not.toExtend<Peer>()

  // Every optional option accepts undefined.
  expectTypeOf<Strict<EndpointOptions>>().toBeNever()
  expectTypeOf<Strict<Authorize> | Strict<ConnectOptions> | Strict<CustomNetwork>>().toBeNever()
  expectTypeOf<Strict<RelayAddress> | Strict<DnsLookup> | Strict<PeerAddress>>().toBeNever()
  expectTypeOf<Strict<OpenOptions> | Strict<ListenOptions> | Strict<LoggerOptions>>().toBeNever()
  expectTypeOf<Strict<CancelOptions> | Strict<LineOptions> | Strict<TimeoutOptions>>().toBeNever()
  expectTypeOf<Strict<GracefulOptions> | Strict<SpawnOptions> | Strict<LoadSecretKeyOptions>>().toBeNever()
  expectTypeOf<Strict<Policy> | Strict<PolicyRule> | Strict<PolicyRate> | Strict<ExplainOptions>>().toBeNever()
  expectTypeOf<Strict<FastnNetErrorOptions> | Strict<PeerDuplexOptions>>().toBeNever()

  const caught: unknown = null
  if (isFastnNetError(caught)) expectTypeOf(caught.code).toEqualTypeOf<FastnNetErrorCode>()
  if (isFastnNetError(caught, 'ERR_BUSY')) expectTypeOf(caught.code).toEqualTypeOf<'ERR_BUSY'>()
  const branches = (error: FastnNetError) => {
    if (isFastnNetError(error, 'ERR_BUSY')) expectTypeOf(error.code).toEqualTypeOf<'ERR_BUSY'>()
    else expectTypeOf(error).toEqualTypeOf<FastnNetError>()
  }
  expectTypeOf(branches).toBeFunction()

  const handlers = (endpoint: Endpoint) => {
    endpoint.listen({ Echo: stream => expectTypeOf(stream).toEqualTypeOf<PeerStream>() })
    // @ts-expect-error: the library answers Ping itself
    endpoint.listen({ Ping: () => {} })
    // @ts-expect-error: not the name of a protocol
    endpoint.listen({ Generic: () => {} })
    endpoint.listen([['Echo', stream => stream.finish()]])
    endpoint.acceptBi(['Echo', 'Http', Protocol.generic(1)])
    endpoint.listen({ Echo: () => {}, AccountToAccount: () => {} })
    const compare = (stream: PeerStream) => stream.protocol === 'Echo' || stream.protocol === 'Http'
    expectTypeOf(compare).returns.toEqualTypeOf<boolean>()
    void endpoint.getStream('', 'Echo')
    // @ts-expect-error: created by getEndpoint
    ;new (endpoint.constructor as typeof Endpoint)()
    expectTypeOf(endpoint.listen({ Echo() {} })).toEqualTypeOf<Listener>()
    expectTypeOf<Listener>().not.toExtend<PromiseLike<unknown>>()
    endpoint.listen({ Http: async stream => expectTypeOf(stream).toEqualTypeOf<PeerStream>() })
    endpoint.listen([[Protocol.generic('Echo'), stream => stream.finish()]])
  }
  t.is(typeof handlers, 'function')

  const misspelt = (endpoint: Endpoint, stream: PeerStream, key: SecretKey) => {
    // @ts-expect-error: an unknown option
    void getEndpoint(key, { allowed: [] })
    // @ts-expect-error: an unknown option
    void getEndpoint(key, { network: { mdsn: true } })
    // @ts-expect-error: an unknown option
    void getEndpoint(key, { authorize: { pear: () => true } })
    // @ts-expect-error: an unknown option
    void endpoint.getStream('', 'Http', { akc: 'later' })
    // @ts-expect-error: an unknown option
    endpoint.listen({}, { onerror: () => {} })
    // @ts-expect-error: an unknown option
    void stream.read({ intoo: new Uint8Array(1) })
    // @ts-expect-error: an unknown option
    void stream.write('', { signals: undefined })
    // @ts-expect-error: an unknown option
    endpoint.access.set({ dney: [] })
    // @ts-expect-error: an unknown option
    endpoint.access.setPolicy({ rules: [{ peer: [], effect: 'allow' }] })
  }
  t.is(typeof misspelt, 'function')
})
