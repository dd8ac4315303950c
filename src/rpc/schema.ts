import { invalid } from '../util/validate.js'

// The interface of https://standardschema.dev, version 1. Its package says to copy it.

/** A schema of any library that implements [Standard Schema](https://standardschema.dev): zod, valibot, arktype and others. */
export interface StandardSchemaV1<Input = unknown, Output = Input> {
  /** Members that the standard defines. */
  readonly '~standard': StandardSchemaProps<Input, Output>
}

/** Properties of a {@link StandardSchemaV1}. */
export interface StandardSchemaProps<Input = unknown, Output = Input> {
  /** Version of the standard. */
  readonly version: 1
  /** Name of the schema library. */
  readonly vendor: string
  /** Checks a value. Returns it, perhaps transformed, or what is wrong with it. */
  readonly validate: (value: unknown) => StandardSchemaResult<Output> | Promise<StandardSchemaResult<Output>>
  /** Types only; never read. */
  readonly types?:
    | {
        /** Type of the values that the schema takes. */
        readonly input: Input
        /** Type of the values that it returns. */
        readonly output: Output
      }
    | undefined
}

/** Result of a {@link StandardSchemaV1}. */
export type StandardSchemaResult<Output> =
  | {
      /** The value, perhaps transformed. */
      readonly value: Output
      /** Absent: the value matches. */
      readonly issues?: undefined
    }
  | {
      /** Description of the issue. */
      readonly issues: readonly StandardSchemaIssue[]
    }

/** One way in which a value does not match a {@link StandardSchemaV1}. */
export interface StandardSchemaIssue {
  /** Description of the issue. */
  readonly message: string
  /** Keys from the value down to its wrong part. */
  readonly path?: readonly (PropertyKey | StandardSchemaPathSegment)[] | undefined
}

/** A key in the path of a {@link StandardSchemaIssue}. */
export interface StandardSchemaPathSegment {
  /** The key. */
  readonly key: PropertyKey
}

/** Schema of a stream of messages: each item matches `items`. */
export interface ItemsSchema<Items extends StandardSchemaV1 = StandardSchemaV1> {
  /** Schema of each item. */
  readonly items: Items
}

/** Schema of a request or an answer: one value, or a stream of items. */
export type MessageSchema = StandardSchemaV1 | ItemsSchema

/** Type that a schema takes. */
export type SchemaInput<Schema extends StandardSchemaV1> = NonNullable<Schema['~standard']['types']>['input']
/** Type that a schema returns. */
export type SchemaOutput<Schema extends StandardSchemaV1> = NonNullable<Schema['~standard']['types']>['output']

/** Checks an optional schema. */
export function checkSchema(schema: unknown, path: string): MessageSchema | undefined {
  if (schema === undefined || isMessageSchema(schema)) return schema
  throw invalid(path, 'a Standard Schema, or { items: schema }')
}

/** Checks that `value` is a schema or `{ items: schema }`. */
export function isMessageSchema(value: unknown): value is MessageSchema {
  return isSchema(value) || (isObject(value) && isSchema((value as { items?: unknown }).items))
}

/** Whether it is a schema of one value. */
export function isSchema(value: unknown): value is StandardSchemaV1 {
  if (!isObject(value)) return false
  const standard = (value as { '~standard'?: { validate?: unknown } | null })['~standard']
  return typeof standard?.validate === 'function'
}

// Some libraries' schemas are functions.
function isObject(value: unknown): value is object {
  return (typeof value === 'object' && value !== null) || typeof value === 'function'
}
