import { setLogger } from 'fastn-net'

setLogger(({ level, target, message, fields }) => console.error(level, target, message, fields), {
  filter: 'warn,fastn_net=debug'
})
