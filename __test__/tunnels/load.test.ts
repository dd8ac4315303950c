// Load generators: wrk and iperf3.
import { freePort } from './support/program.js'
import { routed, urlOf } from './support/route.js'
import { scene } from './support/scene.js'
import { tunnelled } from './support/tunnel.js'
import { webServer } from './support/web.js'

// wrk supports no proxy.
for (const kind of ['tcp', 'http'] as const) {
  scene(`wrk, ${kind}`, ['wrk'], async ({ t, run }) => {
    const url = urlOf(await routed(t, kind, await webServer(t)), '/small')
    for (const load of [
      ['-c', '64'],
      ['-c', '200'],
      ['-c', '32', '-H', 'Connection: close']
    ]) {
      const { code, stdout, stderr } = await run('wrk', ['-t', '2', '-d', '3', '--timeout', '10', ...load, url])
      t.is(code, 0, stderr)
      t.notRegex(stdout.toString(), /Socket errors|Non-2xx/)
      t.log(`${load.join(' ')}: ${/Requests\/sec: .*/.exec(stdout.toString())?.[0]}`)
    }
  })
}

scene('iperf3', ['iperf3'], async ({ t, run, start }) => {
  const server = await freePort()
  const { child, output } = start('iperf3', [
    '--server',
    '--bind',
    '127.0.0.1',
    '--port',
    String(server),
    '--forceflush'
  ])
  while (!output().includes('Server listening') && child.exitCode === null)
    await new Promise(done => setTimeout(done, 20))
  const port = await tunnelled(t, server)
  for (const how of [[], ['--reverse'], ['--bidir'], ['--parallel', '8'], ['--parallel', '8', '--reverse']]) {
    const args = ['--client', '127.0.0.1', '--port', String(port), '--json', '--bytes', '64M', ...how]
    const { code, stdout } = await run('iperf3', args)
    const { error, end } = JSON.parse(stdout.toString())
    t.is(code, 0, error)
    const { bytes, bits_per_second: rate } = end.sum_received
    // iperf3 stops once the sender has handed over its bytes, and counts only the bytes that have arrived by then.
    t.true(bytes > 0)
    t.log(`${how.join(' ')}: ${Math.round(rate / 8 / 1024 / 1024)} MiB/s`)
  }
})
