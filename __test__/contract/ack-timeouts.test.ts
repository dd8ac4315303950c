// Unacknowledged streams without a pending read or write end at the ack deadline.
import test from 'ava'
import { getEndpoint, SecretKey } from 'fastn-net'

const never = () => new Promise<boolean>(() => {})

async function unanswered(ackTimeout: number) {
  const [client, server] = await Promise.all([
    getEndpoint(SecretKey.generate(), { network: 'loopback', closeTimeout: 0, ackTimeout }),
    getEndpoint(SecretKey.generate(), { network: 'loopback', closeTimeout: 0, authorize: { stream: never } })
  ])
  const incoming = server.acceptBi('Tcp')
  // Waiting for `closed` does not keep the process alive.
  const alive = setInterval(() => {}, 1000)
  return {
    open: () => client.getStream(server.address(), 'Tcp', { ack: 'later' }),
    async [Symbol.asyncDispose]() {
      clearInterval(alive)
      await incoming.return()
      await Promise.all([client.close(), server.close()])
    }
  }
}

test.serial('every unacknowledged stream ends in time, even after others', async t => {
  await using peers = await unanswered(200)
  for (let count = 0; count < 3; count++) {
    const stream = await peers.open()
    await t.throwsAsync(stream.closed, { code: 'ERR_ACK_TIMEOUT', message: /within 200 ms/ })
  }
})

test.serial('an ack deadline fires on time, not at the next check of a late ack', async t => {
  await using peers = await unanswered(1150)
  const stream = await peers.open()
  // Both are timers of this thread: a slow machine delays both but keeps their order.
  let late = false
  const timer = setTimeout(() => {
    late = true
  }, 1800)
  await t.throwsAsync(stream.closed, { code: 'ERR_ACK_TIMEOUT' })
  t.false(late)
  clearTimeout(timer)
})
