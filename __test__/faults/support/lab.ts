import { spawnSync } from 'node:child_process'
import type { ExecutionContext } from 'ava'

let labs = 0

/**
 * A network of its own: hosts, each in a network namespace and on a wire of its own to a router, which is one too. Nothing leads
 * out of it. `npm run test:faults` makes the user, network and mount namespace that these live in, and that end with it.
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

  /** A new host. `behind` is the router that its wire leads to. */
  host(name: string, behind: string = this.router): Host {
    const subnet = `10.0.${++this.#subnets}`
    return new Host(this.namespace(name), behind, name, subnet)
  }

  /** A host that is a router itself: what is behind it is seen from elsewhere under its address, and a port that changes. */
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

  /** So many of a hundred packets from and to a host are lost, at random. */
  lose(host: Host, percent: number): void {
    const some = `numgen random mod 100 < ${percent} counter drop`
    this.#filter(`ip saddr ${host.address} ${some}; ip daddr ${host.address} ${some};`)
  }

  /** Nothing goes between two hosts but what a proxy on the router carries. */
  part(one: Host, other: Host): void {
    this.#filter(
      `ip saddr ${one.address} ip daddr ${other.address} drop; ip saddr ${other.address} ip daddr ${one.address} drop;`
    )
  }

  /** Nothing is lost any more. Gives how many packets were. */
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
  /** The router's end of the wire. */
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

  /** The wire is pulled out at the router. The host keeps its address. */
  pull(): void {
    ip('-n', this.#router, 'link', 'set', this.#port, 'down')
  }

  /** And put back. */
  plug(): void {
    ip('-n', this.#router, 'link', 'set', this.#port, 'up')
  }

  /** Gets another address, and loses the one it has. */
  move(): void {
    const old = this.address
    this.#number++
    ip('-n', this.namespace, 'addr', 'add', `${this.address}/24`, 'dev', 'eth0')
    // With its first address a host loses the others of the subnet, and its routes.
    ip('-n', this.namespace, 'addr', 'del', `${old}/24`, 'dev', 'eth0')
    ip('-n', this.namespace, 'addr', 'replace', `${this.address}/24`, 'dev', 'eth0')
    this.#route()
  }

  /** At most so many kilobits a second, each way. */
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

  /** Every mapping is forgotten, as by a router that was switched off and on: what comes next gets another port. */
  rebind(): void {
    const { namespace, gateway } = this.#host
    const from = 20_000 + 1000 * this.#mappings++
    if (this.#mappings > 1) nft(namespace, 'delete table ip masquerading')
    nft(
      namespace,
      `table ip masquerading { chain out { type nat hook postrouting priority 100; oifname "eth0" ip protocol udp masquerade to :${from}-${from + 999} random; }; }`
    )
    // The kernel forgets what was masqueraded out of a device when that goes down, and with it the routes.
    ip('-n', namespace, 'link', 'set', 'eth0', 'down')
    ip('-n', namespace, 'link', 'set', 'eth0', 'up')
    ip('-n', namespace, 'route', 'replace', 'default', 'via', gateway)
  }
}

/** The command that runs another in a namespace, and ends it with this process. */
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
