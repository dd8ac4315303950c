import { BadMessage } from '../../http/head.js'
import { Cancellation, prepareRequests, receivedRequest } from '../../http/received-request.js'
import { urlOf } from '../../http/request-target.js'
import { isResponse } from '../../http/response-source.js'
import { warnOnce } from '../../util/warn.js'
import type { RoutedExchange } from '../exchange.js'
import { Refusal, refuse, reset } from '../refusal.js'
import type { RouterContext, RouterHandler } from '../target.js'
import { type RequestBody, requestBody } from './body.js'
import type { Target } from './target.js'
import { hasBody } from './upstream.js'
import { writeAnswer } from './write-answer.js'

const forbiddenMethods: ReadonlySet<string> = new Set(['CONNECT', 'TRACE', 'TRACK'])

/** Settings of a handler. */
export interface HandlerSettings {
  readonly text: string
  readonly maxBodyBytes: number
  readonly onError: ((error: unknown, context: RouterContext) => unknown) | undefined
}

/** Answers requests with a handler. */
export class Handler implements Target {
  readonly text: string
  readonly upgrade = undefined
  readonly #handler: RouterHandler
  readonly #settings: HandlerSettings

  constructor(handler: RouterHandler, settings: HandlerSettings) {
    this.text = settings.text
    this.#handler = handler
    this.#settings = settings
    // Before the first request, which would wait for it.
    prepareRequests()
  }

  async answer(exchange: RoutedExchange): Promise<void> {
    const { request, response, authority, path, fields, caller } = exchange
    const { method = 'GET' } = request
    const cancellation = new Cancellation()
    const left = () => {
      if (!response.writableFinished) cancellation.abort(new Error('the client has left'))
    }
    response.once('close', left)
    // A disconnect also surfaces as an error of the request.
    request.on('error', () => {})
    let body: RequestBody | undefined
    try {
      if (forbiddenMethods.has(method)) throw new BadMessage(501, `the method ${method} is not supported`)
      const url = urlOf(path, authority, authority)
      body = hasBody(request) ? requestBody(exchange, this.#settings.maxBodyBytes) : undefined
      if (body !== undefined && (method === 'GET' || method === 'HEAD'))
        throw new BadMessage(400, `a ${method} request must not have a body`)
      const made = receivedRequest({ method, url, fields, body, cancellation })
      const answer = await this.#handler(made, caller.context)
      if (cancellation.isAborted) return void answer.body?.cancel().catch(() => {})
      if (!isResponse(answer)) throw new TypeError('a handler must return an unused Response')
      await writeAnswer(answer, exchange, cancellation)
    } catch (error) {
      if (!cancellation.isAborted) await this.#fail(error, body, exchange)
    }
  }

  close(): void {}

  async #fail(error: unknown, body: RequestBody | undefined, { response, caller }: RoutedExchange): Promise<void> {
    const bad = error instanceof BadMessage ? error : body?.failure
    if (bad instanceof BadMessage && !response.headersSent)
      return refuse(response, new Refusal(bad.status, bad.message))
    if (response.headersSent) reset(response.socket)
    else refuse(response, new Refusal(500, 'the handler failed'))
    const { onError } = this.#settings
    try {
      if (onError === undefined) warn(error)
      else await onError(error, caller.context)
    } catch (failure) {
      warn(failure)
    }
  }
}

function warn(error: unknown): void {
  const format = (message: string) =>
    `a handler of the router failed: ${message}. Set the option onError of createRouter to see every failure`
  warnOnce(error, 'ERR_HANDLER', format)
}
