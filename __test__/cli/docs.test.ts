// The table of commands, their help and docs/cli.md agree.
import { readFileSync } from 'node:fs'
import ava from 'ava'
import { cli } from './support/cli.js'

// Each test starts programs: more at once than there are processors would only make each slower.
const test = ava.serial

const page = readFileSync(new URL('../../docs/cli.md', import.meta.url), 'utf8')
const [common = '', ...sections] = page.split(/^### /m)

test('docs/cli.md has every command with every option, and no other', async t => {
  const { lines } = await cli(['--help'])
  const start = lines.indexOf('Commands:') + 1
  const commands = lines.slice(start, lines.indexOf('', start)).map(line => line.trim().split(' ')[0] ?? '')
  t.deepEqual(
    sections.map(section => section.split('\n')[0] ?? ''),
    commands
  )
  for (const [index, command] of commands.entries()) {
    const help = (await cli([command, '--help'])).stdout.toString()
    const options = [...help.matchAll(/^ {2}(?:-\w, | {4})(--[\w-]+)/gm)].map(match => match[1] ?? '')
    t.true(options.length >= 4)
    const text = sections[index] ?? ''
    for (const option of options) t.true(text.includes(option) || common.includes(option), `${command} ${option}`)
    for (const [, option = ''] of text.matchAll(/^\| `(?:-\w, )?(--[\w-]+)/gm)) {
      t.true(options.includes(option), `${command} ${option}`)
    }
  }
})
