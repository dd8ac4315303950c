import { spawnSync } from 'node:child_process'

/**
 * Number of packets that programs here have sent to other machines. The default route that `npm run test:servers` creates leads nowhere,
 * and counts them.
 */
export function packetsOut(): number {
  const { stdout } = spawnSync('nft', ['-j', 'list', 'counter', 'inet', 'outside', 'sent'], { encoding: 'utf8' })
  const { nftables } = JSON.parse(stdout) as { nftables: { counter?: { packets: number } }[] }
  const found = nftables.find(({ counter }) => counter !== undefined)
  if (found?.counter === undefined) throw new Error(`no counter: ${stdout}`)
  return found.counter.packets
}
