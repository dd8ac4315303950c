import { native } from '../native/addon.js'
import { FAILED } from '../native/binding.js'
import type { BindingQuestion } from '../native/binding-types.js'
import { lastFailure } from '../native/failure.js'
import { waitForWake, wakeWord } from '../native/wakeups.js'
import type { Protocol } from '../stream/protocol.js'
import { invalid, type OptionNames } from '../util/validate.js'
import { warnOnce } from '../util/warn.js'

/**
 * Asked before a peer may connect, and before it may use what is listened for. Only `true` lets it in: `false`, a failure, and an
 * answer that does not come in time refuse. A boolean that is returned costs less than a promise of one.
 *
 * An answer holds until {@link Access.reauthorize} asks again: for the peer's connection, and for a stream that waits in a queue.
 *
 * Waiting for an answer does not keep the process alive. Lists ({@link EndpointOptions.allow}, {@link EndpointOptions.deny}) come
 * first: who is not on them is not asked about.
 */
export interface Authorize {
  /**
   * May this peer connect? Asked once for each connection that it makes, before a ping on it is answered and a stream is looked at.
   * A refusal closes the connection, and the peer gets `ERR_UNAUTHORIZED`, which is not retried. Of a connection that this side
   * made it is asked when the peer first opens a stream on it; a refusal ends that stream and those after it, and nothing else.
   */
  peer?: ((id52: string) => boolean | Promise<boolean>) | undefined
  /**
   * May this peer open a stream of this protocol, which is listened for? Asked before the stream is acknowledged. A refusal ends
   * that stream alone, with `ERR_UNAUTHORIZED`; others do not wait for it.
   */
  stream?: ((id52: string, protocol: Protocol) => boolean | Promise<boolean>) | undefined
  /** How long an answer may take; then it is no. Default: 5 s. */
  timeout?: number | undefined
  /** Questions without an answer at one time. What comes above is refused, with `ERR_BUSY`. Default: 4,096. */
  maxPending?: number | undefined
  /** The share of one peer in them. Default: 1,024. */
  maxPendingPerPeer?: number | undefined
  /**
   * Told what `peer` or `stream` threw or rejected with, after the refusal. `protocol` is `null` where it was about the peer.
   * Default: a warning of the process, one for each code.
   */
  onError?: ((error: unknown, id52: string, protocol: Protocol | null) => unknown) | undefined
}

/** The names of {@link Authorize}. */
export const authorizeNames: OptionNames<Authorize> = {
  peer: true,
  stream: true,
  timeout: true,
  maxPending: true,
  maxPendingPerPeer: true,
  onError: true
}

const batch = 64

/** Answers what an endpoint asks, until it is closed. Holds its handle only, and keeps no process alive. */
export function startAuthorizer(endpoint: number, authorize: Authorize): void {
  const requests = native().endpointQuestions(endpoint)
  if (requests === FAILED) throw lastFailure({ phase: 'authorize' })
  void new Authorizer(requests, authorize).run()
}

class Authorizer {
  readonly #requests: number
  readonly #authorize: Authorize

  constructor(requests: number, authorize: Authorize) {
    this.#requests = requests
    this.#authorize = authorize
  }

  async run(): Promise<void> {
    for (;;) {
      const asked = native().questionsTake(this.#requests, batch)
      if (asked === null) break
      if (asked.length === 0) await waitForWake(wakeWord(this.#requests, 0), undefined, false)
      else for (const question of asked) this.#put(question)
    }
    native().takeError()
    native().handleRelease(this.#requests)
  }

  // Never throws: whatever a user's function does, the next question is put.
  #put(question: BindingQuestion): void {
    try {
      const may = this.#ask(question)
      if (isThenable(may)) this.#await(question, may)
      else this.#settle(question, may)
    } catch (error) {
      this.#failed(question, error)
    }
  }

  #await(question: BindingQuestion, may: PromiseLike<unknown>): void {
    Promise.resolve(may).then(
      settled => this.#settle(question, settled),
      error => this.#failed(question, error)
    )
  }

  #ask({ id52, protocol }: BindingQuestion): unknown {
    if (protocol === null) return this.#authorize.peer?.(id52)
    return this.#authorize.stream?.(id52, JSON.parse(protocol))
  }

  #settle(question: BindingQuestion, may: unknown): void {
    if (typeof may === 'boolean') this.#answer(question, may)
    else this.#failed(question, invalid(`what authorize.${kind(question)} gives`, 'a boolean, or a promise of one'))
  }

  #failed(question: BindingQuestion, error: unknown): void {
    this.#answer(question, false)
    void this.#report(question, error)
  }

  async #report(question: BindingQuestion, error: unknown): Promise<void> {
    const { onError } = this.#authorize
    if (onError === undefined) return warn(question, error)
    try {
      await onError(
        error,
        question.id52,
        question.protocol === null ? null : (JSON.parse(question.protocol) as Protocol)
      )
    } catch (second) {
      warn(question, second)
    }
  }

  #answer({ number }: BindingQuestion, may: boolean): void {
    native().questionsAnswer(this.#requests, number, may)
  }
}

function kind({ protocol }: BindingQuestion): 'peer' | 'stream' {
  return protocol === null ? 'peer' : 'stream'
}

function warn(question: BindingQuestion, error: unknown): void {
  const say = (message: string) =>
    `authorize.${kind(question)} failed, which refuses: ${message}. Give authorize an onError to see every failure`
  warnOnce(error, 'ERR_AUTHORIZE', say)
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value
}
