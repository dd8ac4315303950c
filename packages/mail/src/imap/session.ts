import type { Duplex } from 'node:stream'
import type { MaildirStore } from '../store/store.js'
import { Input } from './input.js'
import type { Limits } from './limits.js'
import { Output } from './output.js'
import type { CommandSource } from './read-command.js'
import { Refused } from './refused.js'
import type { Shared } from './shared.js'
import type { View } from './view.js'

/** State of a connection. */
export class Session implements CommandSource {
  readonly input: Input
  readonly output: Output
  readonly shared: Shared
  /** Address of the client, for limits of wrong passwords. */
  readonly remoteAddress: string
  /** Whether the connection is private: TLS or loopback. */
  isPrivate: boolean
  /** Whether the connection has TLS. */
  isTls: boolean
  /** Whether its password is being checked. */
  isLoggingIn = false
  user: string | undefined
  store: MaildirStore | undefined
  view: View | undefined
  /** Whether the client uses CONDSTORE: flags are sent with their modification sequence. */
  hasCondstore = false
  /** Set by STARTTLS and LOGOUT, applied after the answer. */
  after: 'starttls' | 'logout' | undefined

  constructor(socket: Duplex, shared: Shared, about: { remoteAddress: string; isPrivate: boolean; isTls: boolean }) {
    this.input = new Input(socket)
    this.output = new Output(socket, shared.limits.stallTimeoutMs)
    this.shared = shared
    this.remoteAddress = about.remoteAddress
    this.isPrivate = about.isPrivate
    this.isTls = about.isTls
  }

  get limits(): Limits {
    return this.shared.limits
  }

  /** The user's mail. Throws {@link Refused} before the login. */
  get mail(): MaildirStore {
    if (!this.store) throw new Refused('log in first')
    return this.store
  }

  /** The selected mailbox. Throws {@link Refused} if there is none. */
  get selected(): View {
    if (!this.view) throw new Refused('no mailbox is selected')
    return this.view
  }

  /** The selected mailbox, for commands that change it. Throws {@link Refused} after EXAMINE. */
  get writable(): View {
    if (this.selected.isReadOnly) throw new Refused('the mailbox was opened read-only')
    return this.selected
  }

  async continueLiteral(): Promise<void> {
    this.output.line('+ OK')
    await this.output.flush()
  }

  /** Reports changes of the selected mailbox to the client. */
  async sync(expunges: boolean): Promise<void> {
    await this.view?.sync(this.output, { expunges, hasModseq: this.hasCondstore })
  }
}
