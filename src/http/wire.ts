import type { ReadHalf } from '../stream/reader.js'
import type { Field, Fields, Framing } from './head.js'

/** Head of a request. */
export interface RequestHead extends Fields {
  readonly method: string
  /** A path, or a URL. */
  readonly target: string
}

/** Head of an answer. */
export interface AnswerHead extends Fields {
  readonly status: number
  readonly statusText: string
  /** Bytes that were read after it. */
  readonly rest: Uint8Array<ArrayBuffer>
}

/** Message format of a stream. */
export interface Wire {
  /** Framing of a body with unknown length. */
  readonly unsized: 'chunked' | 'fin'
  /** Reads the head of a request; `null` at EOF. What follows stays with the reader. */
  readRequest(reader: ReadHalf, maxBytes: number): Promise<RequestHead | null>
  /** Reads the head of the final answer; `null` at EOF. `isWoken`: the first read may be {@link ReadHalf.readOnceWoken}. */
  readAnswer(reader: ReadHalf, maxBytes: number, isWoken: boolean): Promise<AnswerHead | null>
  /** The head of a request, in Latin-1. `framing`: undefined without a body. */
  requestHead(method: string, target: string, headers: Iterable<Field>, framing: Framing | undefined): string
  /** The head of an answer, in Latin-1. `continues`: another one may follow. */
  answerHead(
    status: number,
    statusText: string,
    headers: Iterable<Field>,
    framing: Framing | undefined,
    continues: boolean
  ): string
}
