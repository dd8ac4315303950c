import { spawnSync } from 'node:child_process'
import type { ExecutionContext } from 'ava'

let labs = 0

/**
 * An isolated network: hosts and a router in network namespaces, with a link from each host to the router. Nothing leads
 * out of it. `npm run test:faults` creates the user, network and mount namespace around it.
 */
export class Lab {
  readonly #name: string
  readonly router: string
  #subnets = 0

  constructor(t: ExecutionContext) {
    if (process.env.FASTN_NET_TEST_FAULTS !== '1') throw new Error('faults need namespaces: npm run test:faults')
    this.#name = `${process.pid}-${++labs}`
    this.router = this.namespace('router')
    t.teardown(() => {
      for (const name of namespaces.splice(0)) ip('netns', 'del', name)
    })
    const namespaces = this.#namespaces
  }

  readonly #namespaces: string[] = []

  /** Creates a host. `behind` is the router that it is linked to. */
  host(name: string, behind: string = this.router): Host {
    const subnet = `10.0.${++this.#subnets}`
    return new Host(this.namespace(name), behind, name, subnet)
  }

  /** Creates a NAT router: hosts behind it appear under its address, with changing ports. */
  nat(name: string): Nat {
    return new Nat(this.host(name))
  }

  namespace(name: string): string {
    const namespace = `${this.#name}-${name}`
    ip('netns', 'add', namespace)
    this.#namespaces.push(namespace)
    ip('-n', namespace, 'link', 'set', 'lo', 'up')
    inside(namespace, 'sh', ['-c', 'echo 1 > /proc/sys/net/ipv4/ip_forward'])
    return namespace
  }

  /** Drops a percentage of the packets from and to a host, at random. */
  lose(host: Host, percent: number): void {
    const some = `numgen random mod 100 < ${percent} counter drop`
    this.#filter(`ip saddr ${host.address} ${some}; ip daddr ${host.address} ${some};`)
  }

  /** Blocks all traffic between two hosts except through a proxy on the router. */
  part(one: Host, other: Host): void {
    this.#filter(
      `ip saddr ${one.address} ip daddr ${other.address} drop; ip saddr ${other.address} ip daddr ${one.address} drop;`
    )
  }

  /** Stops dropping packets. Returns the number of dropped ones. */
  heal(): number {
    const rules = inside(this.router, 'nft', ['list', 'table', 'ip', 'faults'])
    nft(this.router, 'delete table ip faults')
    return [...rules.matchAll(/counter packets (\d+)/g)].reduce((all, [, packets]) => all + Number(packets), 0)
  }

  #filter(rules: string): void {
    nft(this.router, `table ip faults { chain forward { type filter hook forward priority 0; ${rules} }; }`)
  }
}

export class Host {
  readonly namespace: string
  readonly #router: string
  /** The router's end of the link. */
  readonly #port: string
  readonly #subnet: string
  #number = 2

  constructor(namespace: string, router: string, name: string, subnet: string) {
    this.namespace = namespace
    this.#router = router
    this.#port = `to-${name}`
    this.#subnet = subnet
    ip('-n', router, 'link', 'add', this.#port, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', namespace)
    ip('-n', router, 'addr', 'add', `${this.gateway}/24`, 'dev', this.#port)
    ip('-n', router, 'link', 'set', this.#port, 'up')
    ip('-n', namespace, 'addr', 'add', `${this.address}/24`, 'dev', 'eth0')
    ip('-n', namespace, 'link', 'set', 'eth0', 'up')
    this.#route()
  }

  get address(): string {
    return `${this.#subnet}.${this.#number}`
  }

  get gateway(): string {
    return `${this.#subnet}.1`
  }

  /** Takes the link down at the router. The host keeps its address. */
  pull(): void {
    ip('-n', this.#router, 'link', 'set', this.#port, 'down')
  }

  /** Takes the link up again. */
  plug(): void {
    ip('-n', this.#router, 'link', 'set', this.#port, 'up')
  }

  /** Replaces the host's address. */
  move(): void {
    const old = this.address
    this.#number++
    ip('-n', this.namespace, 'addr', 'add', `${this.address}/24`, 'dev', 'eth0')
    // With its first address, a host loses its other addresses of the subnet and its routes.
    ip('-n', this.namespace, 'addr', 'del', `${old}/24`, 'dev', 'eth0')
    ip('-n', this.namespace, 'addr', 'replace', `${this.address}/24`, 'dev', 'eth0')
    this.#route()
  }

  /** Limits the bandwidth in each direction, in kilobits per second. */
  throttle(kilobits: number): void {
    for (const [namespace, device] of [
      [this.namespace, 'eth0'],
      [this.#router, this.#port]
    ] as const) {
      const rate = ['rate', `${kilobits}kbit`, 'burst', '16kb', 'latency', '100ms']
      run('tc', ['-n', namespace, 'qdisc', 'add', 'dev', device, 'root', 'tbf', ...rate])
    }
  }

  #route(): void {
    ip('-n', this.namespace, 'route', 'replace', 'default', 'via', this.gateway)
  }
}

export class Nat {
  readonly #host: Host
  #mappings = 0

  constructor(host: Host) {
    this.#host = host
    this.rebind()
  }

  get namespace(): string {
    return this.#host.namespace
  }

  get address(): string {
    return this.#host.address
  }

  /** Drops all NAT mappings, like a rebooted router: later packets get other ports. */
  rebind(): void {
    const { namespace, gateway } = this.#host
    const from = 20_000 + 1000 * this.#mappings++
    if (this.#mappings > 1) nft(namespace, 'delete table ip masquerading')
    nft(
      namespace,
      `table ip masquerading { chain out { type nat hook postrouting priority 100; oifname "eth0" ip protocol udp masquerade to :${from}-${from + 999} random; }; }`
    )
    // When a device goes down, the kernel drops its NAT mappings, and its routes too.
    ip('-n', namespace, 'link', 'set', 'eth0', 'down')
    ip('-n', namespace, 'link', 'set', 'eth0', 'up')
    ip('-n', namespace, 'route', 'replace', 'default', 'via', gateway)
  }
}

/** Command that runs another in a namespace and kills it with this process. */
export function within(namespace: string, command: readonly string[]): [string, string[]] {
  return ['nsenter', [`--net=/run/netns/${namespace}`, 'setpriv', '--pdeathsig', 'KILL', ...command]]
}

function inside(namespace: string, command: string, args: readonly string[]): string {
  const [enter, all] = within(namespace, [command, ...args])
  return run(enter, all)
}

function ip(...args: string[]): void {
  run('ip', args)
}

function nft(namespace: string, rules: string): void {
  inside(namespace, 'nft', [rules])
}

function run(command: string, args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8' })
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: ${stderr}`)
  return stdout
}
