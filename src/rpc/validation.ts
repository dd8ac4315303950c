import { FastnNetError, type FastnNetErrorOptions, type SchemaIssue } from '../errors.js'
import { printable } from '../util/display.js'
import { isThenable } from '../util/thenable.js'
import { kindOf } from '../util/validate.js'
import { type ItemsSchema, isSchema, type MessageSchema, type StandardSchemaV1 } from './schema.js'

// Bounds of what one error tells. A peer's input chooses the keys, and each issue may repeat the same long one.
const maxIssues = 100
/** Most characters of all issues together. The first issue is always told. */
const maxCharacters = 4096
/** Most characters of a message or a key. */
const maxTextLength = 128
const maxPathLength = 16

/** Whether it describes a stream of items. */
export function isItems(schema: MessageSchema): schema is ItemsSchema {
  return !isSchema(schema)
}

/** Schema of each item; `undefined` unless `schema` describes a stream of items. */
export function itemSchemaOf(schema: MessageSchema | undefined): StandardSchemaV1 | undefined {
  return schema !== undefined && isItems(schema) ? schema.items : undefined
}

/** Waits for a schema's promise, which may never settle, as long as its result is wanted. Rejects with the reason why it no longer is. */
export type Wait = <Value>(work: PromiseLike<Value>) => Promise<Value>

/**
 * Checks a value, and returns what the schema makes of it. `what` names the value in the error.
 *
 * @throws {FastnNetError} `ERR_SCHEMA`. `ERR_INVALID_ARGUMENT` for a schema that returns no result.
 */
export async function validated(
  schema: StandardSchemaV1,
  value: unknown,
  what: string,
  about: { readonly context: FastnNetErrorOptions },
  wait: Wait
): Promise<unknown> {
  const given: unknown = schema['~standard'].validate(value)
  const result = isThenable(given) ? await wait(given) : given
  if (typeof result !== 'object' || result === null) throw noResult(result, what, about.context)
  const { issues } = result as { issues?: unknown }
  if (issues === undefined) return (result as { value?: unknown }).value
  if (!Array.isArray(issues)) throw noResult(result, what, about.context)
  throw schemaError(issuesOf(issues), what, about.context)
}

function noResult(result: unknown, what: string, context: FastnNetErrorOptions): FastnNetError {
  const given = typeof result === 'object' && result !== null ? 'issues that are no array' : kindOf(result)
  const message = `the schema of ${what} returned ${given}: its validate must return { value } or { issues }`
  return new FastnNetError('ERR_INVALID_ARGUMENT', message, context)
}

/** `ERR_SCHEMA`, with the first issue in its message. */
export function schemaError(
  issues: readonly SchemaIssue[],
  what: string,
  context: FastnNetErrorOptions
): FastnNetError {
  const [first] = issues
  const where = first === undefined || first.path.length === 0 ? '' : ` at ${shortened(first.path.join('.'))}`
  const why = first === undefined ? '' : `${where}: ${first.message}`
  return new FastnNetError('ERR_SCHEMA', printable(`${what} does not match its schema${why}`), { ...context, issues })
}

/** Issues from a peer: whatever of them has the right form. */
export function receivedIssues(value: unknown): SchemaIssue[] {
  if (!Array.isArray(value)) return []
  return issuesOf(value).map(({ message, path }) => ({
    message: printable(message),
    path: path.map(key => (typeof key === 'number' ? key : printable(key)))
  }))
}

/** Issues in a form that can be sent, within their bounds. Never throws, whatever they are. */
function issuesOf(issues: readonly unknown[]): SchemaIssue[] {
  const result: SchemaIssue[] = []
  let characters = 0
  for (const issue of issues.slice(0, maxIssues)) {
    const { message, path } = issueOf(issue)
    characters += message.length + path.reduce<number>((sum, key) => sum + String(key).length, 0)
    if (characters > maxCharacters && result.length > 0) break
    result.push({ message, path })
  }
  return result
}

function issueOf(issue: unknown): SchemaIssue {
  const { message, path } = Object(issue) as { message?: unknown; path?: unknown }
  return {
    message: typeof message === 'string' ? shortened(message) : '',
    path: Array.isArray(path) ? path.slice(0, maxPathLength).map(keyOf) : []
  }
}

/** A key, or the key of a {@link StandardSchemaPathSegment}. What is neither becomes an empty one. */
function keyOf(step: unknown): string | number {
  const key: unknown = typeof step === 'object' && step !== null ? (step as { key?: unknown }).key : step
  if (typeof key === 'number') return key
  return typeof key === 'string' || typeof key === 'symbol' ? shortened(String(key)) : ''
}

function shortened(text: string): string {
  return text.length > maxTextLength ? `${text.slice(0, maxTextLength - 1)}…` : text
}
