import { createEndpoint } from 'fastn-net'

const [keyFile = 'echo.key', port = '7000'] = process.argv.slice(2)
// A network without lookup needs the same port too. On the internet network, the key is enough: leave out `network`.
const server = await createEndpoint({ key: keyFile, network: { bind: [`127.0.0.1:${port}`] } })
server.serve('echo', (count: number) => count)
console.log(await server.ticket())
