import test from 'ava'
import { expectTypeOf } from 'expect-type'
import {
  type CallOptions,
  defineService,
  type Endpoint,
  type Items,
  type Json,
  type Listener,
  type Protocol,
  type RequestContext,
  type RequestOptions,
  type ServeOptions,
  type ServeProtocolOptions,
  type ServiceOptions
} from 'fastn-net'
import * as v from 'valibot'
import * as z from 'zod'

/** Names of optional properties that may be absent but not `undefined`. */
type Strict<Options> = {
  [Name in keyof Options]-?: Record<never, never> extends Pick<Options, Name>
    ? { [Each in Name]: undefined } extends Pick<Options, Name>
      ? never
      : Name
    : never
}[keyof Options]

const sum = z.object({ a: z.number(), b: z.number().default(1) })
const service = defineService({
  add: { input: sum, output: z.number() },
  read: { input: v.string(), output: { items: v.string() } },
  write: { input: { items: z.coerce.date() }, output: z.number() },
  ping: { output: z.string() },
  any: {}
})

// The compiler checks this; the test only proves that it compiled.
test('requests have the types of their schemas', t => {
  expectTypeOf<Strict<CallOptions> | Strict<RequestOptions> | Strict<ServeOptions>>().toBeNever()
  expectTypeOf<Strict<ServeProtocolOptions> | Strict<ServiceOptions>>().toBeNever()

  const calls = (endpoint: Endpoint) => {
    expectTypeOf(endpoint.call('', 'add')).resolves.toEqualTypeOf<Json>()
    expectTypeOf(endpoint.call<number>('', 'add', { a: 1 }, { timeout: 1 })).resolves.toEqualTypeOf<number>()
    expectTypeOf(endpoint.call('', 'add', 1, { schema: sum })).resolves.toEqualTypeOf<{ a: number; b: number }>()
    expectTypeOf(endpoint.call('', 'add', 1, { schema: { items: sum } })).resolves.toEqualTypeOf<
      Items<{ a: number; b: number }>
    >()
    // @ts-expect-error: an unknown option
    void endpoint.call('', 'add', 1, { timeouts: 1 })
    // @ts-expect-error: not a schema
    void endpoint.call('', 'add', 1, { schema: {} })
  }

  const handlers = (endpoint: Endpoint) => {
    expectTypeOf(endpoint.serve('add', (input: number) => input)).toEqualTypeOf<Listener>()
    endpoint.serve('add', (input, context) => {
      expectTypeOf(input).toEqualTypeOf<unknown>()
      expectTypeOf(context).toEqualTypeOf<RequestContext>()
    })
    endpoint.serve(
      'add',
      (input, context) => {
        expectTypeOf(input).toEqualTypeOf<{ a: number; b: number }>()
        expectTypeOf(context).toEqualTypeOf<RequestContext>()
        return input.a
      },
      { input: sum, output: z.number() }
    )
    // @ts-expect-error: the result does not match the schema
    endpoint.serve('add', () => 'text', { output: z.number() })
    // @ts-expect-error: an unknown option
    endpoint.serve('add', () => 1, { inputs: sum })
  }

  const services = (endpoint: Endpoint) => {
    const client = endpoint.client(service, '')
    expectTypeOf(client.add).parameter(0).toEqualTypeOf<{ a: number; b?: number | undefined }>()
    expectTypeOf(client.add({ a: 1 })).resolves.toEqualTypeOf<number>()
    expectTypeOf(client.read('')).resolves.toEqualTypeOf<Items<string>>()
    expectTypeOf(client.ping()).resolves.toEqualTypeOf<string>()
    expectTypeOf(client.any({ anything: 1 }, { timeout: 1 })).resolves.toEqualTypeOf<unknown>()
    // @ts-expect-error: the input is required
    void client.add()
    // @ts-expect-error: another type
    void client.add({ a: '1' })
    // @ts-expect-error: no such method
    void client.sub
    // @ts-expect-error: no schema in the options of a method
    void client.add({ a: 1 }, { schema: sum })

    const implementation = {
      add: ({ a, b }: { a: number; b: number }) => a + b,
      async *read(path: string) {
        yield path
      },
      async write(dates: AsyncIterable<Date>) {
        let count = 0
        for await (const date of dates) count += date.getTime()
        return count
      },
      ping: () => 'pong',
      any: (input: unknown) => input
    }
    expectTypeOf(endpoint.serve(service, implementation)).toEqualTypeOf<Listener>()
    endpoint.serve(service, {
      ...implementation,
      add(input, { signal }) {
        expectTypeOf(input).toEqualTypeOf<{ a: number; b: number }>()
        expectTypeOf(signal).toEqualTypeOf<AbortSignal>()
        return input.b
      }
    })
    const { ping, ...rest } = implementation
    // @ts-expect-error: a method is missing
    endpoint.serve(service, rest)
    // @ts-expect-error: another result
    endpoint.serve(service, { ...implementation, ping: () => 1 })
    // @ts-expect-error: not iterable
    endpoint.serve(service, { ...implementation, read: () => 1 })
    return ping
  }
  for (const compiled of [calls, handlers, services]) t.is(typeof compiled, 'function')
  expectTypeOf(service.protocol('add')).toEqualTypeOf<Protocol>()
  // @ts-expect-error: no such method
  t.throws(() => service.protocol('sub'))
})
