// Runs a receiver and a sender as two processes on loopback. Start it with `npm run demo -- FILE`.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

const [file] = process.argv.slice(2)
if (file === undefined) throw new Error('npm run demo -- FILE')

const program = (name: string) => fileURLToPath(new URL(name, import.meta.url))
const env = { ...process.env, FASTN_NET_NETWORK: 'loopback' }

const receiver = fork(program('receiver.js'), { env })
const receiverExit = once(receiver, 'exit')
const [ticket] = await Promise.race([once(receiver, 'message'), receiverExit.then(() => [])])

if (typeof ticket === 'string') {
  const sender = fork(program('sender.js'), [ticket, file], { env })
  const [senderCode] = await once(sender, 'exit')
  // The receiver exits when its IPC channel closes, even if this process crashes.
  if (receiver.connected) receiver.disconnect()
  const [receiverCode] = await receiverExit
  process.exitCode = senderCode === 0 && receiverCode === 0 ? 0 : 1
} else {
  process.exitCode = 1
}
