// A Bluesky network of one's own for the live tests: directory, data server, app view and moderation, on these ports:
// node bluesky_site.mjs MODULES PLC PDS BSKY OZONE
import { pathToFileURL } from 'node:url'

const [modules, plc, pds, bsky, ozone] = process.argv.slice(2)
const made = await import(pathToFileURL(`${modules}/@atproto/dev-env/dist/index.js`).href)
const { TestNetwork } = made.TestNetwork ? made : made.default
await TestNetwork.create({
  plc: { port: Number(plc) },
  pds: { port: Number(pds), hostname: 'localhost' },
  bsky: { port: Number(bsky), publicUrl: `http://localhost:${bsky}`, dbPostgresSchema: 'bsky' },
  ozone: { port: Number(ozone) },
})
console.log('ready')
