// Helpers shared by the adapters. No benchmark logic here.
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

// A queue that turns data callbacks into `read()`. Calls `pause` at HIGH unread bytes
// and `resume` once the queue is empty, so a slow reader applies back-pressure.
const HIGH = 1 << 20
export function byteQueue({ pause = () => {}, resume = () => {} } = {}) {
  const chunks = []
  let size = 0,
    ended = false,
    error = null,
    waiter = null,
    paused = false
  const settle = () => {
    if (!waiter) return
    const { resolve, reject } = waiter
    if (chunks.length) {
      waiter = null
      resolve(shift())
    } else if (error) {
      waiter = null
      reject(error)
    } else if (ended) {
      waiter = null
      resolve(null)
    }
  }
  const shift = () => {
    const c = chunks.shift()
    size -= c.length
    if (paused && size === 0) {
      paused = false
      resume()
    }
    return c
  }
  return {
    push(c) {
      chunks.push(c)
      size += c.length
      if (waiter) settle()
      else if (!paused && size >= HIGH) {
        paused = true
        pause()
      }
    },
    end() {
      ended = true
      settle()
    },
    fail(e) {
      if (!ended) {
        error ??= e ?? new Error('stream failed')
        settle()
      }
    },
    read() {
      if (chunks.length) return Promise.resolve(shift())
      if (error) return Promise.reject(error)
      if (ended) return Promise.resolve(null)
      return new Promise((resolve, reject) => {
        waiter = { resolve, reject }
      })
    }
  }
}

// Adapts a Node (or streamx) Duplex to the harness's stream.
export function fromDuplex(d) {
  const q = byteQueue({ pause: () => d.pause(), resume: () => d.resume() })
  let wake = null
  d.on('data', q.push)
  d.on('end', q.end)
  d.on('error', e => {
    q.fail(e)
    wake?.()
  })
  d.on('close', () => {
    q.fail(new Error('closed before its end'))
    wake?.()
  })
  d.on('drain', () => wake?.())
  return {
    read: q.read,
    write(buf) {
      if (!d.write(buf))
        return new Promise(r => {
          wake = r
        })
    },
    finish() {
      d.end()
    },
    raw: d
  }
}

// One self-signed certificate for every adapter that needs TLS certificates.
export function certificate() {
  const dir = fileURLToPath(new URL('./certs', import.meta.url))
  if (!existsSync(`${dir}/cert.pem`)) {
    mkdirSync(dir, { recursive: true })
    execFileSync(
      'openssl',
      [
        'req',
        '-x509',
        '-newkey',
        'ec',
        '-pkeyopt',
        'ec_paramgen_curve:prime256v1',
        '-nodes',
        '-days',
        '365',
        '-subj',
        '/CN=localhost',
        '-addext',
        'subjectAltName=DNS:localhost,IP:127.0.0.1',
        '-keyout',
        `${dir}/key.pem`,
        '-out',
        `${dir}/cert.pem`
      ],
      { stdio: 'ignore' }
    )
  }
  return { cert: readFileSync(`${dir}/cert.pem`, 'utf8'), key: readFileSync(`${dir}/key.pem`, 'utf8') }
}
