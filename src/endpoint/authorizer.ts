import { native } from '../native/addon.js'
import { FAILED } from '../native/binding.js'
import type { BindingAuthorizationRequest } from '../native/binding-types.js'
import { lastFailure } from '../native/failure.js'
import { never, waitForWake, wakeWord } from '../native/wakeups.js'
import { protocolFrom } from '../stream/protocol.js'
import { isThenable } from '../util/thenable.js'
import { invalid } from '../util/validate.js'
import { warnOnce } from '../util/warn.js'
import type { Authorize } from './authorize.js'

/** Requests taken by one native call. */
const batch = 64

/** Answers an endpoint's authorization requests until it closes. Refers to its handle only. Does not keep the process alive. */
export function startAuthorizer(endpoint: number, authorize: Authorize): void {
  const requests = native().endpointAuthorizationRequests(endpoint)
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
      const requests = native().authorizationRequestsTake(this.#requests, batch)
      if (requests === null) break
      if (requests.length === 0) await waitForWake(wakeWord(this.#requests, 0), undefined, never)
      else for (const request of requests) this.#handle(request)
    }
    native().takeError()
    native().handleRelease(this.#requests)
  }

  // Never throws: a failing callback must not stop later requests.
  #handle(request: BindingAuthorizationRequest): void {
    try {
      const result = this.#call(request)
      if (isThenable(result)) this.#await(request, result)
      else this.#settle(request, result)
    } catch (error) {
      this.#fail(request, error)
    }
  }

  #await(request: BindingAuthorizationRequest, result: PromiseLike<unknown>): void {
    Promise.resolve(result).then(
      settled => this.#settle(request, settled),
      error => this.#fail(request, error)
    )
  }

  #call({ id52, protocol }: BindingAuthorizationRequest): unknown {
    if (protocol === null) return this.#authorize.peer?.(id52)
    return this.#authorize.stream?.(id52, protocolFrom(protocol))
  }

  #settle(request: BindingAuthorizationRequest, result: unknown): void {
    if (typeof result === 'boolean') this.#answer(request, result)
    else this.#fail(request, invalid(`the result of authorize.${kind(request)}`, 'a boolean, or a promise of one'))
  }

  #fail(request: BindingAuthorizationRequest, error: unknown): void {
    this.#answer(request, false)
    void this.#report(request, error)
  }

  async #report(request: BindingAuthorizationRequest, error: unknown): Promise<void> {
    const { onError } = this.#authorize
    if (onError === undefined) return warn(request, error)
    try {
      await onError(error, request.id52, request.protocol === null ? null : protocolFrom(request.protocol))
    } catch (onErrorFailure) {
      warn(request, onErrorFailure)
    }
  }

  #answer({ number }: BindingAuthorizationRequest, isAuthorized: boolean): void {
    native().authorizationRequestsAnswer(this.#requests, number, isAuthorized)
  }
}

function kind({ protocol }: BindingAuthorizationRequest): 'peer' | 'stream' {
  return protocol === null ? 'peer' : 'stream'
}

function warn(request: BindingAuthorizationRequest, error: unknown): void {
  const format = (message: string) =>
    `authorize.${kind(request)} failed and thus rejected: ${message}. Set authorize.onError to see every failure`
  warnOnce(error, 'ERR_AUTHORIZE', format)
}
