// Delivers the ids from the third argument on into a folder, says each that is stored, and kills itself at a step.
import { subscribe } from 'node:diagnostics_channel'
import { writeSync } from 'node:fs'
import { openMailStore } from 'fastn-mail'
import { message } from '../helpers/message.js'

const [folder = '', stepName = '', first = '0', atOnce = '1', turns = '1'] = process.argv.slice(2)
let left = Number(turns)

subscribe('fastn-mail:step', event => {
  if ((event as { name: string }).name === stepName && --left <= 0) process.kill(process.pid, 'SIGKILL')
})

const store = await openMailStore({ folder })
for (let id = Number(first); ; id += Number(atOnce)) {
  const ids = Array.from({ length: Number(atOnce) }, (_, at) => String(id + at))
  await Promise.all(
    ids.map(async name => {
      const { duplicate } = await store.deliver({ id: name, content: message(name) })
      writeSync(1, `${name} ${duplicate}\n`)
    })
  )
}
