import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'

/** A value of a response: atom or string as text, list, or NIL. */
export type Value = string | null | Value[]

/** The answer to a command. */
export interface Answer {
  /** `OK`, `NO` or `BAD`; `BYE` if the server closed instead. */
  status: string
  /** What follows the status. */
  text: string
  /** Untagged responses, in their order, without `* `; literals are inside of them. */
  untagged: string[]
}

/** A client that sends what it is told, however wrong that is. */
export class ImapClient {
  readonly greeting: string
  readonly socket: Socket
  #held = Buffer.alloc(0)
  #ended = false
  #wake: (() => void) | undefined
  #count = 0
  /** Untagged responses that came between commands. */
  readonly #early: string[] = []

  private constructor(socket: Socket, greeting: string) {
    this.socket = socket
    this.greeting = greeting
  }

  static async connect(
    port: number,
    { tls = false, host = '127.0.0.1' }: { tls?: boolean; host?: string } = {}
  ): Promise<ImapClient> {
    const socket = tls ? connectTls({ port, host, rejectUnauthorized: false }) : connect({ port, host })
    await once(socket, tls ? 'secureConnect' : 'connect')
    const client = new ImapClient(socket, '')
    client.#listen()
    return Object.assign(client, { greeting: (await client.line()) ?? '' })
  }

  #listen(): void {
    this.socket.on('error', () => {})
    this.socket.on('data', (chunk: Buffer) => {
      this.#held = Buffer.concat([this.#held, chunk])
      this.#wake?.()
    })
    this.socket.on('close', () => {
      this.#ended = true
      this.#wake?.()
    })
  }

  async login(user = 'user', password = 'pass'): Promise<this> {
    const { status } = await this.run(`LOGIN ${user} ${password}`)
    if (status !== 'OK') throw new Error(`the login failed: ${status}`)
    return this
  }

  /** Sends a command without waiting, and returns its tag. A second part is sent when the server asks for it. */
  send(command: string): string {
    const tag = `a${++this.#count}`
    this.raw(`${tag} ${command}\r\n`)
    return tag
  }

  raw(text: string | Uint8Array): void {
    this.socket.write(typeof text === 'string' ? Buffer.from(text, 'latin1') : text)
  }

  /** Runs a command. Further parts are sent one by one as the server asks for them. */
  async run(command: string, ...parts: (string | Uint8Array)[]): Promise<Answer> {
    return await this.answer(this.send(command), parts)
  }

  /** Waits for the answer of a tag. */
  async answer(tag: string, parts: (string | Uint8Array)[] = []): Promise<Answer> {
    const untagged = this.#early.splice(0)
    for (;;) {
      const line = await this.line()
      if (line === undefined) return { status: 'BYE', text: '', untagged }
      if (line.startsWith('+')) this.raw(parts.shift() ?? '')
      else if (line.startsWith(`${tag} `)) {
        const [, status = '', text = ''] = /^\S+ (\S+) ?(.*)$/s.exec(line) ?? []
        return { status, text, untagged }
      } else untagged.push(line.replace(/^\* /, ''))
    }
  }

  /** Waits for an untagged response that matches: while the server is idling, for one. */
  async untagged(wanted: RegExp): Promise<string> {
    for (;;) {
      const line = await this.line()
      if (line === undefined) throw new Error(`the connection ended before ${wanted}`)
      if (wanted.test(line)) return line.replace(/^\* /, '')
      this.#early.push(line.replace(/^\* /, ''))
    }
  }

  /** Reads a line with its literals; `undefined` at the end. */
  async line(): Promise<string | undefined> {
    let line = ''
    for (;;) {
      const end = this.#held.indexOf('\r\n')
      if (end === -1) {
        if (this.#ended) return undefined
        await this.#more()
        continue
      }
      const text = this.#held.toString('latin1', 0, end)
      const literal = /\{(\d+)\}$/.exec(text)
      this.#held = this.#held.subarray(end + 2)
      if (!literal) return line + text
      const length = Number(literal[1])
      while (this.#held.length < length && !this.#ended) await this.#more()
      line += `${text}\r\n${this.#held.toString('latin1', 0, length)}`
      this.#held = this.#held.subarray(length)
    }
  }

  /** Waits until the server closes the connection. */
  async closed(): Promise<void> {
    while (!this.#ended) await this.#more()
  }

  close(): void {
    this.socket.destroy()
  }

  async #more(): Promise<void> {
    await new Promise<void>(resolve => {
      this.#wake = resolve
    })
  }
}

/** Parses a response into its values. */
export function parseValues(text: string): Value[] {
  let at = 0
  const list = (): Value[] => {
    const values: Value[] = []
    while (at < text.length && text[at] !== ')') {
      if (text[at] === ' ') at++
      else values.push(value())
    }
    at++
    return values
  }
  const value = (): Value => {
    if (text[at] === '(') {
      at++
      return list()
    }
    if (text[at] === '"') {
      const end = /"(?:[^"\\]|\\.)*"/sy
      end.lastIndex = at
      const [quoted = '"'] = end.exec(text) ?? []
      at += quoted.length
      return quoted.slice(1, -1).replace(/\\(.)/gs, '$1')
    }
    const literal = /\{(\d+)\}\r\n/y
    literal.lastIndex = at
    const found = literal.exec(text)
    if (found) {
      const start = at + found[0].length
      at = start + Number(found[1])
      return text.slice(start, at)
    }
    // A section belongs to its atom: BODY[HEADER.FIELDS (TO)]<0>.
    const atom = /(?:\[[^\]]*\]|[^ ()[\]])+/y
    atom.lastIndex = at
    const [word = text[at] as string] = atom.exec(text) ?? []
    at += word.length
    return word === 'NIL' ? null : word
  }
  return list()
}

/** The items of FETCH responses, by sequence number and item. */
export function fetched(untagged: readonly string[]): Map<number, Map<string, Value>> {
  const messages = new Map<number, Map<string, Value>>()
  for (const line of untagged) {
    const found = /^(\d+) FETCH /.exec(line)
    if (!found) continue
    const [items] = parseValues(line.slice(found[0].length)) as [Value[]]
    const message = messages.get(Number(found[1])) ?? new Map<string, Value>()
    for (let at = 0; at < items.length; at += 2) message.set(items[at] as string, items[at + 1] as Value)
    messages.set(Number(found[1]), message)
  }
  return messages
}
