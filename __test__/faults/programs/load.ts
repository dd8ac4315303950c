import { setTimeout as sleep } from 'node:timers/promises'
import { type Endpoint, FastnNetError, type PeerAddress, type PeerStream } from 'fastn-net'
import { readAll } from '../../helpers/pair.js'
import { type Load, type Once, type RecordedRequest, whole } from '../support/commands.js'
import { answerOf, Bulk, bodyOf, bulkOf, Chat, digest, Numbered, NumberedExtra, Unread } from '../support/numbered.js'

/** A running load: the client's ledger. */
export class RunningLoad {
  readonly #endpoint: Endpoint
  readonly #load: Load
  readonly #prefix: string
  readonly #asked: RecordedRequest[] = []
  readonly #workers: Promise<unknown>
  readonly #watchers = new Set<(began: number) => void>()
  readonly #over = new AbortController()
  #count = 0

  constructor(endpoint: Endpoint, load: Load, prefix: string, over: AbortSignal) {
    this.#endpoint = endpoint
    this.#load = load
    this.#prefix = `${prefix}/${load.name}`
    over.addEventListener('abort', () => this.#over.abort())
    const { workers = 3, chats = 1 } = load
    this.#workers = Promise.all([
      ...Array.from({ length: workers }, () => this.#work()),
      ...Array.from({ length: chats }, () => this.#chat())
    ])
  }

  progress(): Promise<number> {
    const asked = Date.now()
    return new Promise(resolve => {
      const watcher = (began: number) => {
        if (began < asked) return
        this.#watchers.delete(watcher)
        resolve(Date.now() - asked)
      }
      this.#watchers.add(watcher)
    })
  }

  async collect(): Promise<RecordedRequest[]> {
    this.#over.abort()
    await this.#workers
    return this.#asked
  }

  async #work(): Promise<void> {
    const { peer, pause = 50, timeout } = this.#load
    while (!this.#over.signal.aborted) {
      const at = this.#count++
      const number = `${this.#prefix}/${at}`
      await this.#note(number, () => numbered(this.#endpoint, peer, number, at, timeout))
      await sleep(pause)
    }
  }

  /** One stream until it fails, then another. Each line is a request. */
  async #chat(): Promise<void> {
    const { peer, timeout } = this.#load
    let stream: PeerStream | undefined
    while (!this.#over.signal.aborted) {
      const number = `${this.#prefix}/${this.#count++}`
      await this.#note(number, async () => {
        try {
          stream ??= await this.#endpoint.getStream(peer, Chat, timeout === undefined ? {} : { timeout })
          await stream.write(`${number}\n`)
          return differs(Buffer.from(await stream.nextString()), Buffer.from(number))
        } catch (error) {
          await stream?.[Symbol.asyncDispose]()
          stream = undefined
          throw error
        }
      })
      await sleep(100)
    }
    await stream?.finish().catch(() => {})
    await stream?.[Symbol.asyncDispose]()
  }

  async #note(number: string, request: () => Promise<string>): Promise<void> {
    const began = Date.now()
    const outcome = await settled(request)
    this.#asked.push([number, outcome, began, Date.now() - began])
    if (outcome === whole) for (const watcher of this.#watchers) watcher(began)
  }
}

/** A single request. */
export async function requestNumbered(endpoint: Endpoint, peer: PeerAddress, number: string): Promise<RecordedRequest> {
  const began = Date.now()
  const outcome = await settled(() => numbered(endpoint, peer, number, 0))
  return [number, outcome, began, Date.now() - began]
}

/** A single large request. */
export async function requestOnce(
  endpoint: Endpoint,
  { name, peer, bytes, wait, who }: Once,
  prefix: string
): Promise<RecordedRequest> {
  const number = `${prefix}/${name}`
  const began = Date.now()
  const outcome = await settled(async () => {
    const sent = bulkOf(number, bytes)
    if (who === 'server') {
      await using stream = await endpoint.getStream(peer, Unread(wait))
      await stream.write(`${number}\n`)
      await stream.finish(sent)
      return differs(await readAll(stream), Buffer.from(digest(sent)))
    }
    await using stream = await endpoint.getStream(peer, Bulk(bytes))
    await stream.finish(`${number}\n`)
    await sleep(wait)
    return differs(await readAll(stream), sent)
  })
  return [number, outcome, began, Date.now() - began]
}

async function numbered(endpoint: Endpoint, peer: PeerAddress, number: string, at: number, timeout?: number) {
  await using stream = await open(endpoint, peer, number, at, timeout)
  await stream.finish(Buffer.concat([Buffer.from(at % 3 === 2 ? '' : `${number}\n`), bodyOf(number)]))
  return differs(await readAll(stream), answerOf(number))
}

/** Of three requests, one waits for its ack, one does not, and one is never resent. */
function open(
  endpoint: Endpoint,
  peer: PeerAddress,
  number: string,
  at: number,
  timeout?: number
): Promise<PeerStream> {
  const options = timeout === undefined ? {} : { timeout }
  if (at % 3 === 2) return endpoint.getStream(peer, NumberedExtra, { ...options, extra: number })
  return endpoint.getStream(peer, Numbered, { ...options, ack: at % 3 === 1 ? 'later' : 'now' })
}

async function settled(request: () => Promise<string>): Promise<string> {
  try {
    return await request()
  } catch (error) {
    return error instanceof FastnNetError ? error.code : `not one of our errors: ${String(error)}`
  }
}

function differs(got: Buffer, wanted: Buffer): string {
  return got.equals(wanted) ? whole : `${got.length} bytes that are not the ${wanted.length} of the answer`
}
