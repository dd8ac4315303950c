import { connect, type Socket } from 'node:net'
import type { ExecutionContext } from 'ava'
import { password } from './peers.js'

/** A raw SMTP client: says exactly what it is given. */
export interface Dialog {
  /** Sends bytes, and resolves with the reply, all its lines. */
  say(text: string | Uint8Array): Promise<string>
  /** Waits for another reply. */
  reply(): Promise<string>
  /** Logs in. */
  logIn(user?: string, secret?: string): Promise<string>
  readonly socket: Socket
}

/** Opens a connection, and reads the greeting. */
export async function dialog(t: ExecutionContext, port: number): Promise<Dialog> {
  const socket = connect(port, '127.0.0.1')
  t.teardown(() => socket.destroy())
  let text = ''
  let wake = () => {}
  const add = (chunk: string) => {
    text += chunk
    wake()
  }
  socket.setEncoding('latin1').on('data', add)
  socket.on('error', () => {})
  socket.on('close', () => add('closed\r\n'))
  const reply = async () => {
    for (;;) {
      const found = /^(?:\d{3}-.*\r\n)*(?:\d{3} .*|closed)\r\n/.exec(text)
      if (found) {
        text = text.slice(found[0].length)
        return found[0].trim()
      }
      await new Promise<void>(resolve => {
        wake = resolve
      })
    }
  }
  const say = (bytes: string | Uint8Array) => {
    socket.write(bytes)
    return reply()
  }
  await reply()
  const plain = (user: string, secret: string) => Buffer.from(`\0${user}\0${secret}`).toString('base64')
  return {
    socket,
    reply,
    say,
    async logIn(user = 'ada', secret = password) {
      await say('EHLO test\r\n')
      return await say(`AUTH PLAIN ${plain(user, secret)}\r\n`)
    }
  }
}
