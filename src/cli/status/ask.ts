import { request } from 'node:http'
import type { LocalAddress } from './local-server.js'

const maxAnswerBytes = 8_388_608

/** A request to a program. */
export interface Question {
  readonly method: 'GET' | 'POST'
  readonly path: string
  /** Sent as JSON. */
  readonly body?: unknown
  /** Timeout of the answer, in milliseconds. */
  readonly timeout: number
}

/** Sends a request to a program of this user, and returns its answer. */
export async function ask({ socket, token }: LocalAddress, question: Question): Promise<unknown> {
  const { method, path, body, timeout } = question
  const text = await new Promise<string>((resolve, reject) => {
    const headers = { authorization: `Bearer ${token}` }
    const signal = AbortSignal.timeout(timeout)
    const asked = request({ socketPath: socket, headers, agent: false, signal, method, path })
    asked.once('error', reject)
    asked.once('response', response => {
      const chunks: Buffer[] = []
      let bytes = 0
      response.on('data', (chunk: Buffer) => {
        bytes += chunk.length
        if (bytes > maxAnswerBytes) asked.destroy(new Error('the answer is too long'))
        chunks.push(chunk)
      })
      response.once('error', reject)
      response.once('end', () => {
        if (response.statusCode === 200) resolve(Buffer.concat(chunks).toString())
        else reject(new Error(`status ${response.statusCode}`))
      })
    })
    asked.end(body === undefined ? undefined : JSON.stringify(body))
  })
  return JSON.parse(text)
}
