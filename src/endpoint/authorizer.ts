import { type BindingQuestion, FAILED, native } from '../native/binding.js'
import { lastFailure } from '../native/failure.js'
import { park, wakeWord } from '../native/wakeups.js'
import type { Protocol } from '../stream/protocol.js'
import { invalid } from '../util/validate.js'
import { warnOnce } from '../util/warn.js'
import type { Authorize } from './authorize.js'

const batch = 64

/** Answers what an endpoint asks, until it is closed. Holds its handle only, and keeps no process alive. */
export function answerQuestions(endpoint: number, authorize: Authorize): void {
  const questions = native().endpointQuestions(endpoint)
  if (questions === FAILED) throw lastFailure({ phase: 'authorize' })
  void new Answers(questions, authorize).run()
}

class Answers {
  readonly #questions: number
  readonly #authorize: Authorize

  constructor(questions: number, authorize: Authorize) {
    this.#questions = questions
    this.#authorize = authorize
  }

  async run(): Promise<void> {
    for (;;) {
      const asked = native().questionsTake(this.#questions, batch)
      if (asked === null) break
      if (asked.length === 0) await park(wakeWord(this.#questions, 0), undefined, false)
      else for (const question of asked) this.#put(question)
    }
    native().takeError()
    native().handleRelease(this.#questions)
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
    native().questionsAnswer(this.#questions, number, may)
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
