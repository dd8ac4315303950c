// Warnings about failed and unfinished work without onReport.
import { Graceful } from 'fastn-net'

const way = process.argv[2]
const onReport = (report: unknown) => console.log(JSON.stringify(report))
const graceful = new Graceful({ signals: true, timeout: 200, ...(way === 'onReport' ? { onReport } : {}) })
void graceful.spawn(() => Promise.reject(new Error('the disk is full')), { name: 'mail' })
if (way !== 'no shutdown') {
  // Until the signal arrives.
  const alive = setInterval(() => {}, 1000)
  graceful.cancelled.addEventListener('abort', () => clearInterval(alive))
  void graceful.spawn(() => new Promise(() => {}), { name: 'sleep' })
  console.log('ready')
}
