// An endpoint that connects to a peer and prints one line. Arguments select further actions.
import { once } from 'node:events'
import { isMainThread, Worker } from 'node:worker_threads'
import { getEndpoint, type LogRecord, Protocol, SecretKey, setLogger } from 'fastn-net'

const what = isMainThread ? process.argv[2] : 'quiet'

async function meet(): Promise<void> {
  const [client, server] = await Promise.all(
    [1, 2].map(() => getEndpoint(SecretKey.generate(), { network: 'loopback' }))
  )
  if (client === undefined || server === undefined) throw new Error('two were asked for')
  server.listen([[Protocol.generic('Echo'), stream => stream.finish('hello\n')]])
  const stream = await client.getStream(server.address(), Protocol.generic('Echo'))
  console.log(await stream.nextString())
  if (what === 'hostile') {
    const { connection } = stream
    const theirs = await server.connect(client.address())
    theirs.close(7, '\u001b[2J\nERROR forged \u009b31m')
    await connection.closed
  }
  if (what === 'exit') process.exit()
  await Promise.all([client.close(), server.close()])
}

if (what === 'workers') {
  // Each thread has its own logger, which ends with the thread.
  let told = 0
  setLogger(() => told++)
  for (let count = 0; count < 10; count++) {
    const worker = new Worker(new URL('./log-worker.js', import.meta.url))
    const [own] = (await once(worker, 'message')) as [number]
    if (own === 0) throw new Error('the logger of a worker was told nothing')
    if (count % 2 === 0) await worker.terminate()
    else {
      worker.postMessage('end')
      await once(worker, 'exit')
    }
  }
  await meet()
  setLogger(null)
  if (told === 0) throw new Error('the logger of the main thread was told nothing')
} else if (what === 'worker') {
  const worker = new Worker(new URL(import.meta.url))
  await once(worker, 'exit')
} else if (what === 'logger at exit') {
  // The logger does not keep the process alive, and receives the last records.
  const records: LogRecord[] = []
  setLogger(record => records.push(record))
  await meet()
  const isClose = ({ target, message }: LogRecord) => target === 'fastn_net::endpoint' && message === 'closed'
  process.once('exit', () => console.log(records.filter(isClose).length))
} else if (what === 'idle logger') {
  setLogger(() => {})
  console.log('set')
} else {
  await meet()
}
