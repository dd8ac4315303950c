import type { Json } from '../errors.js'
import type { ItemsSchema, SchemaInput, StandardSchemaV1 } from './schema.js'

/**
 * A value that JSON can carry, as far as its outermost type tells: interfaces are fine; a `Map`, a `Set`, bytes, bigints, functions and
 * promises are not. An async iterable is sent as items.
 */
export type Sendable =
  | string
  | number
  | boolean
  | null
  | undefined
  | readonly unknown[]
  | AsyncIterable<unknown>
  | WithToJson
  | (object & PlainObject)
  | { readonly [name: string]: unknown }

/** An object that says what it is as JSON: a `Date`, a `URL`. A `Buffer` does, but not as bytes. */
export interface WithToJson {
  /** Returns what is sent. */
  toJSON(key: string): unknown
  /** Excludes bytes. */
  readonly byteLength?: never
}

/** Members that a `Map`, bytes, promises, iterables and functions have, and plain objects do not. */
export interface PlainObject {
  /** Excludes iterables. */
  readonly [Symbol.iterator]?: never
  /** Excludes the objects of the language. */
  readonly [Symbol.toStringTag]?: never
  /** Excludes functions and classes. */
  readonly [Symbol.hasInstance]?: never
}

/** `Value` as an argument that is sent. A part that JSON cannot carry has a text as its type, which says what to send instead. */
export type SentValue<Value> = [Sendable] extends [Value]
  ? Value
  : [Value] extends [Json | undefined]
    ? Value
    : SentParts<NoInfer<Value>>

type SentParts<Value> =
  Value extends AsyncIterable<infer Item> ? AsyncIterable<Carried<Item, 'sent'>> : Carried<Value, 'sent'>

/** `Result` as a handler returns it, perhaps as a promise. Like {@link SentValue}. */
export type ReturnedValue<Result> = [Sendable] extends [Result]
  ? Result
  : SentValue<Awaited<NoInfer<Result>>> | PromiseLike<SentValue<Awaited<NoInfer<Result>>>>

/** `Value` as a handler receives it. A part that JSON cannot carry has a text as its type, which says so. */
export type ReceivedValue<Value> = unknown extends Value
  ? Value
  : [Value] extends [Json | undefined]
    ? Value
    : ReceivedParts<NoInfer<Value>>

type ReceivedParts<Value> = Value extends AsyncIterable<unknown> ? Value : Carried<Value, 'received'>

/** `Value` with a text in place of each part that JSON cannot carry. */
export type Carried<Value, Side extends 'sent' | 'received', Whole = Value> = unknown extends Value
  ? Value
  : [Value] extends [Json | undefined]
    ? Value
    : Value extends bigint
      ? 'JSON cannot carry a bigint: send text'
      : Value extends symbol | ((...parameters: never) => unknown) | (abstract new (...parameters: never) => unknown)
        ? 'JSON cannot carry a function or a symbol: send data'
        : Value extends ArrayBufferView | ArrayBuffer | SharedArrayBuffer
          ? 'JSON cannot carry bytes: send base64 text, or use a stream'
          : Value extends WithToJson
            ? AsReceived<Value, Side, Whole>
            : Value extends readonly unknown[]
              ? { [Index in keyof Value]: Carried<Value[Index], Side> }
              : Value extends PromiseLike<unknown>
                ? 'JSON cannot carry a promise: await it first'
                : Value extends Iterable<unknown>
                  ? 'JSON cannot carry a Map, a Set or another iterable: send Array.from() of it'
                  : Value extends object
                    ? { [Name in keyof Value]: Carried<Value[Name], Side> }
                    : Value

type AsReceived<Value, Side, Whole> = Side extends 'sent'
  ? Value
  : string extends Whole
    ? Value
    : 'JSON carries what toJSON returns: a Date arrives as text'

/** Methods of a service. A schema whose values JSON cannot carry has a text as its type, which says so. */
export type CarriedMethods<Methods> = {
  readonly [Method in keyof Methods]: {
    readonly [Name in keyof Methods[Method]]: CarriedSchema<Methods[Method][Name]>
  }
}

type CarriedSchema<Schema> = Schema extends StandardSchemaV1
  ? CarriedBy<SchemaInput<Schema>, Schema>
  : Schema extends ItemsSchema<infer Each>
    ? CarriedBy<SchemaInput<Each>, Schema>
    : Schema

type CarriedBy<Value, Schema> = [Value] extends [ReceivedValue<Value>]
  ? Schema
  : 'JSON cannot carry the values of this schema: see the guide, Requests, for what to send instead'
