// The page of `fastn-net status --web`: asks for /status.json once a second and draws it. Everything is text: nothing is parsed as HTML.

/** Samples of a plot, one a second. */
const kept = 120
/** Rows that a table shows. */
const maxRows = 100

/** What was seen of each program, by its key: the last snapshot, and the samples of its plots. */
const histories = new Map()

/** Makes an element. `children` are elements and texts. */
function element(name, attributes, ...children) {
  const made = document.createElement(name)
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value)
  made.append(...children)
  return made
}

function drawn(name, attributes, text) {
  const made = document.createElementNS('http://www.w3.org/2000/svg', name)
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value)
  if (text !== undefined) made.textContent = text
  return made
}

function size(bytes) {
  if (bytes < 999.5) return `${Math.round(bytes)} B`
  let value = bytes
  let unit = ''
  for (unit of ['kB', 'MB', 'GB', 'TB']) {
    value /= 1000
    if (value < 999.5) break
  }
  return `${value < 9.95 ? value.toFixed(1) : value.toFixed(0)} ${unit}`
}

function duration(ms) {
  const seconds = Math.max(0, Math.round(ms / 1000))
  if (seconds < 60) return `${seconds} s`
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`
  if (seconds < 86400) return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`
  return `${Math.floor(seconds / 86400)} d ${Math.floor((seconds % 86400) / 3600)} h`
}

const milliseconds = ms => `${ms < 10 ? ms.toFixed(1) : ms.toFixed(0)} ms`

/** A number above all samples, so that the scale does not move with each of them. */
function ceiling(most, least) {
  if (most <= least) return least
  const scale = 10 ** Math.floor(Math.log10(most))
  return [1, 2, 5, 10].map(factor => factor * scale).find(top => top >= most) ?? most
}

/** A plot of lines over the last two minutes. A line is a list of numbers and nulls, the latest last. */
function plot(title, lines, format, least) {
  const [width, height, left] = [320, 96, 4]
  const numbers = lines.flatMap(({ samples }) => samples.filter(value => value !== null))
  const top = ceiling(Math.max(0, ...numbers), least)
  const svg = drawn('svg', { viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: 'none', role: 'img' })
  svg.append(drawn('title', {}, `${title}: ${lines.map(({ label, now }) => `${label} ${now}`).join(', ')}`))
  for (const y of [14, height - 1]) {
    svg.append(drawn('line', { class: 'axis', x1: 0, x2: width, y1: y, y2: y, 'vector-effect': 'non-scaling-stroke' }))
  }
  for (const { samples, kind } of lines) {
    let path = ''
    let isDown = false
    for (const [index, value] of samples.entries()) {
      const x = left + ((kept - samples.length + index) / (kept - 1)) * (width - left)
      const y = height - 1 - ((value ?? 0) / top) * (height - 15)
      if (value !== null) path += `${isDown ? 'L' : 'M'}${x.toFixed(1)} ${y.toFixed(1)}`
      isDown = value !== null
    }
    svg.append(drawn('path', { class: kind, d: path || 'M0 0', 'vector-effect': 'non-scaling-stroke' }))
  }
  const caption = element('figcaption', {}, `${title}, 2 min, up to ${format(top)}`)
  for (const { label, now, kind } of lines) caption.append(element('span', { class: kind }, `${label} ${now}`))
  return element('figure', {}, caption, svg)
}

/** A table. A column is its heading, its class, and what a cell has. */
function table(columns, rows) {
  const head = columns.map(([heading, kind]) => element('th', { scope: 'col', class: kind }, heading))
  const body = rows.slice(0, maxRows).map(row => {
    const cells = columns.map(([heading, kind, cell]) => {
      const content = cell(row)
      const empty = content === '' ? ' empty' : ''
      return element('td', { class: `${kind}${empty}`, 'data-label': heading }, content)
    })
    return element('tr', {}, ...cells)
  })
  const made = element('table', {}, element('thead', {}, element('tr', {}, ...head)), element('tbody', {}, ...body))
  if (rows.length <= maxRows) return made
  return element('div', {}, made, element('p', { class: 'faint' }, `and ${rows.length - maxRows} more`))
}

/** Adds a snapshot to its history: rates of each peer, and samples of the plots. */
function remember(snapshot) {
  const key = `${snapshot.pid} ${snapshot.id52} ${snapshot.started}`
  const history = histories.get(key) ?? { last: undefined, sent: [], received: [], rtt: [] }
  const seconds = history.last === undefined ? 0 : (snapshot.time - history.last.time) / 1000
  const before = new Map(history.last?.peers.map(peer => [peer.peer, peer]))
  const rates = new Map()
  for (const peer of snapshot.peers) {
    const old = before.get(peer.peer)
    const rate = (now, was) => (seconds <= 0 ? null : (now >= was ? now - was : now) / seconds)
    rates.set(peer.peer, {
      sent: rate(peer.bytesSent, old?.bytesSent ?? 0),
      received: rate(peer.bytesReceived, old?.bytesReceived ?? 0)
    })
  }
  const total = of => (seconds <= 0 ? null : [...rates.values()].reduce((sum, rate) => sum + rate[of], 0))
  const times = snapshot.peers.map(({ rtt }) => rtt).filter(rtt => rtt !== null)
  const add = (samples, value) => {
    samples.push(value)
    if (samples.length > kept) samples.shift()
  }
  // A second without an answer has no new snapshot.
  if (history.last?.time !== snapshot.time) {
    add(history.sent, total('sent'))
    add(history.received, total('received'))
    add(history.rtt, times.length === 0 ? null : times.reduce((sum, rtt) => sum + rtt, 0) / times.length)
    history.last = snapshot
    history.rates = rates
  }
  histories.set(key, history)
  return [key, history]
}

const latest = samples => samples.at(-1) ?? null
const perSecond = bytes => (bytes === null || bytes === undefined ? '–' : `${size(bytes)}/s`)

function pathOf({ path, state, error }) {
  if (path !== null) return element('span', { class: path === 'direct' ? 'good' : 'warn' }, path)
  return element('span', { class: error === null ? 'faint' : 'bad' }, error ?? state)
}

function statusOf({ status }) {
  return element('span', { class: status >= 500 ? 'bad' : status >= 400 ? 'warn' : 'good' }, String(status))
}

function section(title, content) {
  return element('section', {}, element('h3', {}, title), content)
}

function program(snapshot, history) {
  const { command, pid, id52, version, services, peers, peersTotal, time, started, identities = [] } = snapshot
  const [sent, received, rtt] = [history.sent, history.received, history.rtt]
  const plots = element(
    'div',
    { class: 'plots' },
    plot(
      'Throughput',
      [
        { label: 'sent', kind: 'send', samples: sent, now: perSecond(latest(sent)) },
        { label: 'received', kind: 'receive', samples: received, now: perSecond(latest(received)) }
      ],
      bytes => `${size(bytes)}/s`,
      1000
    ),
    plot(
      'Round trip',
      [{ label: 'mean', kind: 'send', samples: rtt, now: latest(rtt) === null ? '–' : milliseconds(latest(rtt)) }],
      milliseconds,
      1
    )
  )
  const card = element(
    'article',
    { class: 'card' },
    element(
      'h2',
      {},
      `${command} `,
      element('span', { class: 'faint' }, `process ${pid}, for ${duration(time - started)}, version ${version}`)
    ),
    element('p', { class: 'id' }, id52),
    plots
  )
  const identityColumns = [
    ['Identity', 'id', identity => identity.id52],
    ['Name', '', ({ name, kind }) => name ?? kind],
    [
      'State',
      '',
      ({ running }) => element('span', { class: running ? 'good' : 'faint' }, running ? 'online' : 'offline')
    ],
    ['Peers', 'number', identity => String(identity.peers)]
  ]
  if (identities.length > 0) card.append(section('Identities', table(identityColumns, identities)))
  const serviceColumns = [
    ['Name', '', ({ name }) => name],
    ['Kind', '', ({ kind }) => kind],
    ['Address', 'id', ({ address }) => address],
    ['In progress', 'number', ({ connections }) => String(connections)]
  ]
  if (services.length > 0) card.append(section('Services', table(serviceColumns, services)))
  const rateOf = (peer, of) => perSecond(history.rates?.get(peer.peer)?.[of])
  const peerColumns = [
    ['Peer', 'id', ({ peer }) => peer],
    ['Path', '', pathOf],
    ['Address', 'id', ({ address }) => address ?? ''],
    ['Round trip', 'number', ({ rtt }) => (rtt === null ? '' : milliseconds(rtt))],
    ['Sent', 'number', peer => `${size(peer.bytesSent)}, ${rateOf(peer, 'sent')}`],
    ['Received', 'number', peer => `${size(peer.bytesReceived)}, ${rateOf(peer, 'received')}`],
    ['Streams', 'number', ({ streams }) => String(streams)]
  ]
  const title = peersTotal === 0 ? 'No peers yet' : peersTotal === 1 ? '1 peer' : `${peersTotal} peers`
  card.append(section(title, peers.length === 0 ? '' : table(peerColumns, peers)))
  const requests = services
    .flatMap(({ name, requests = [] }) => requests.map(request => ({ ...request, name })))
    .sort((a, b) => b.time - a.time)
  const requestColumns = [
    ['Time', '', request => new Date(request.time).toLocaleTimeString()],
    ['Service', '', ({ name }) => name],
    ['Request', 'id', ({ method, path }) => `${method} ${path}`],
    ['Status', 'number', statusOf],
    ['Took', 'number', ({ ms }) => milliseconds(ms)],
    ['Peer', 'id', ({ peer }) => `${peer.slice(0, 8)}…`]
  ]
  if (requests.length > 0) card.append(section('Last requests', table(requestColumns, requests)))
  return card
}

function show(snapshots) {
  const seen = new Set()
  const cards = snapshots.map(snapshot => {
    const [key, history] = remember(snapshot)
    seen.add(key)
    return program(snapshot, history)
  })
  for (const key of histories.keys()) if (!seen.has(key)) histories.delete(key)
  document.getElementById('programs').replaceChildren(...cards)
  const { length } = snapshots
  say(
    length === 0
      ? 'Nothing runs: start a command such as fastn-net tcp or run.'
      : length === 1
        ? 'live'
        : `live, ${length} programs`
  )
}

function say(text, isBad = false) {
  const state = document.getElementById('state')
  // Only a change is read aloud.
  if (state.textContent !== text) state.textContent = text
  state.className = isBad ? 'bad' : ''
}

/** Takes the token out of the address: it would stay in the history. A reload finds it in the tab's storage. */
function takeToken() {
  if (location.hash.length > 1) sessionStorage.setItem('token', location.hash.slice(1))
  history.replaceState(null, '', location.pathname)
}

async function update() {
  // A selection would be lost.
  if (document.hidden || String(getSelection()) !== '') return
  const token = sessionStorage.getItem('token')
  const open = "open the address that 'fastn-net status --web' printed"
  if (token === null) return say(open, true)
  try {
    const headers = { authorization: `Bearer ${token}` }
    const response = await fetch('/status.json', { headers, signal: AbortSignal.timeout(5000) })
    if (response.status === 401) return say(`wrong token: ${open}`, true)
    if (!response.ok) throw new Error(`status ${response.status}`)
    show(await response.json())
  } catch (error) {
    say(`fastn-net status --web does not answer: ${error.message}`, true)
  }
}

async function run() {
  takeToken()
  // An address that differs in its fragment only does not load the page anew.
  addEventListener('hashchange', takeToken)
  for (;;) {
    await update()
    await new Promise(resolve => setTimeout(resolve, 1000))
  }
}

run()
