import { printable } from '../../util/display.js'
import type { Command } from '../command.js'
import { askRig } from './control-file.js'
import { homeOf, homeOption } from './home.js'

/** A queued mail, from `Mail.queue` of `fastn-mail`. */
interface QueuedMail {
  readonly id: string
  readonly from: string
  readonly to: readonly string[]
  readonly peer: string
  readonly size: number
  readonly queuedAt: number
  readonly nextAt: number
  readonly reason: string
}

/** Maximum listed mails. */
const most = 1_000

/** Lists queued mails. */
export const queue: Command = {
  name: 'rig queue',
  summary: 'List queued mails: recipients, age, next attempt, and the reason of the last failure.',
  description: `Oldest first, at most ${most}. A mail is sent as soon as its peer connects. The rig must run.`,
  options: homeOption,
  examples: [['fastn-net rig queue', 'List queued mails.']],
  async run(context) {
    const { output } = context
    const mails = (await askRig(homeOf(context), { op: 'queue' })) as readonly QueuedMail[]
    for (const mail of mails) await output.result(lineOf(mail, Date.now()), { event: 'mail', ...mail })
    if (mails.length === 0) output.hint('The queue is empty.')
    if (mails.length === most) output.hint(`These are the ${most} oldest. There may be more.`)
    return undefined
  }
}

function lineOf({ id, from, to, size, queuedAt, nextAt, reason }: QueuedMail, now: number): string {
  const next = nextAt > now ? `next attempt ${new Date(nextAt).toISOString()}` : 'being sent'
  const parts = [
    `${id} ${from === '' ? '<>' : from} to ${to.join(' ')}`,
    `${size} bytes`,
    `since ${new Date(queuedAt).toISOString()}`,
    next
  ]
  return `${parts.join(', ')}${reason === '' ? '' : `: ${printable(reason)}`}`
}
