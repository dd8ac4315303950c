import { streams } from '../stream/loaded.js'
import type { Json } from '../stream/protocol.js'
import type { BodyOptions, CancelOptions, LineOptions } from '../types.js'
import { ByteStream, readerOf, stateOf } from './byte-stream.js'

/**
 * A {@link ByteStream} with calls for lines, JSON and whole texts.
 *
 * A line ends with `\n`. {@link writeLine} and {@link writeJson} send one; {@link nextString} and {@link nextJson} wait for one.
 */
export abstract class MessageStream extends ByteStream {
  /**
   * Writes a line: the text and a `\n`, in one write. Resolves and aborts like {@link write}.
   *
   * @throws {FastnNetError} The errors of {@link write}. `ERR_INVALID_ARGUMENT` if `text` has a newline or is not a string.
   *
   * @example
   * await stream.writeLine('hello')
   */
  async writeLine(text: string, options?: CancelOptions): Promise<void> {
    await this.write(streams().lineOf(text), options)
  }

  /**
   * Writes a value as a line of JSON, in one write. Resolves and aborts like {@link write}.
   *
   * @throws {FastnNetError} The errors of {@link write}. `ERR_INVALID_ARGUMENT` if JSON would drop or change a part of the value, as it does
   * with bytes, a `Map`, an instance of a class without `toJSON`, `NaN`, a bigint, a function, `undefined` in an array or as the whole value;
   * and for a cycle. A property that is `undefined` is left out.
   *
   * @example
   * await stream.writeJson({ hello: 'world' })
   */
  async writeJson(value: unknown, options?: CancelOptions): Promise<void> {
    await this.write(streams().jsonLineOf(value), options)
  }

  /**
   * Reads one line, without its `\n`. Later bytes stay for the next read of any kind. Cancel-safe.
   *
   * A truncated last line is reported once: the next call fails with an empty `partial`, like every call at EOF.
   *
   * @throws {FastnNetError} The errors of {@link read}. `ERR_UNEXPECTED_END` at EOF, with the text of a truncated line in `partial`.
   * `ERR_LINE_TOO_LONG`. `ERR_UTF8`. After these three, {@link read} returns the bytes of the line.
   */
  nextString(options: LineOptions = {}): Promise<string> {
    return streams().readLine(stateOf(this), readerOf(this), options)
  }

  /**
   * Reads one line as JSON. The type parameter is not checked. Cancel-safe.
   *
   * @throws {FastnNetError} The errors of {@link nextString}. `ERR_JSON` if the line is not JSON; the line is consumed.
   *
   * @example
   * const { hello } = await stream.nextJson<{ hello: string }>()
   */
  async nextJson<T = Json>(options: LineOptions = {}): Promise<T> {
    return streams().parseJson(stateOf(this), await this.nextString(options), 'the line')
  }

  /**
   * Iterates over lines until EOF. The last line needs no `\n`. Leaving the loop leaves the stream open.
   *
   * Await each `next()` before the next one: a second one fails with `ERR_READ_PENDING` while the first waits. `return()` ends a `next()`
   * that waits, with `done`, and loses nothing.
   *
   * @throws {FastnNetError} Each step: the errors of {@link nextString} except `ERR_UNEXPECTED_END`.
   *
   * @example
   * for await (const line of stream.lines()) console.log(line)
   */
  lines(options: LineOptions = {}): AsyncIterableIterator<string> {
    return streams().linesOf(stateOf(this), readerOf(this), options)
  }

  /**
   * Reads everything up to EOF, which the peer sends with {@link finish}. The bytes have a buffer of their own.
   *
   * Cancel-safe: after an abort or an error, the next read continues with the first byte.
   *
   * @throws {FastnNetError} The errors of {@link read}. `ERR_TOO_LARGE` as soon as the peer has sent more than `maxBytes`; all of it
   * stays unread.
   *
   * @example
   * const image = await stream.bytes({ maxBytes: 5_000_000 })
   */
  bytes(options: BodyOptions = {}): Promise<Uint8Array<ArrayBuffer>> {
    return streams().readBytes(readerOf(this), options)
  }

  /**
   * Reads everything up to EOF as text. Cancel-safe, see {@link bytes}.
   *
   * @throws {FastnNetError} The errors of {@link bytes}. `ERR_UTF8`; {@link bytes} then returns what was read.
   *
   * @example
   * await stream.finish('What time is it?')
   * console.log(await stream.text())
   */
  text(options: BodyOptions = {}): Promise<string> {
    return streams().readText(stateOf(this), readerOf(this), options)
  }

  /**
   * Reads everything up to EOF as JSON. The type parameter is not checked. Cancel-safe, see {@link bytes}.
   *
   * @throws {FastnNetError} The errors of {@link text}. `ERR_JSON` if the text is not JSON; the text is consumed.
   */
  json<T = Json>(options: BodyOptions = {}): Promise<T> {
    return streams().readJson(stateOf(this), readerOf(this), options)
  }
}
