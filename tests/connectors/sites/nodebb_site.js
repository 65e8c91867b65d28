// A NodeBB of one's own for the live tests, with an address beside it that writes posts as its members would. It lies in
// the folder of a NodeBB that was set up, whose plugins ask the main module for the forum's parts: node site.js SEED_PORT
'use strict'

const http = require('http')

const seedPort = Number(process.argv.splice(2)[0])
require('./app.js')

const part = name => require(`./src/${name}`)
const done = (call, ...values) =>
  new Promise((resolve, reject) => call(...values, (error, found) => (error ? reject(error) : resolve(found))))

const ADMIN = 1
const writes = {
  member: ({ name }) => done(part('user').create, { username: name }).then(uid => ({ uid })),
  topic: async ({ uid, title, text }) => {
    const made = await done(part('topics').post, { uid, cid: 2, title, content: text })
    return { topic: made.topicData.tid, post: made.postData.pid }
  },
  reply: async ({ uid, topic, text, to }) => {
    const made = await done(part('topics').reply, { uid, tid: topic, content: text, toPid: to })
    return { post: made.pid }
  },
  edit: ({ uid, post, text }) => done(part('posts').edit, { uid, pid: post, content: text, req: {} }).then(() => ({})),
  remove: ({ post }) => done(part('posts').tools.delete, ADMIN, post).then(() => ({})),
  purge: ({ post }) => done(part('posts').tools.purge, ADMIN, post).then(() => ({})),
  remove_topic: ({ topic }) => done(part('topics').tools.delete, topic, ADMIN).then(() => ({})),
  pin: ({ topic }) => done(part('topics').tools.pin, topic, ADMIN).then(() => ({})),
  // Members write twice within ten seconds here, and the forum may be closed to guests.
  settings: values => done(part('meta').configs.setMultiple, values).then(() => ({})),
  guests: async ({ read }) => {
    const turn = part('privileges').categories[read ? 'give' : 'rescind']
    for (const category of await done(part('database').getSortedSetRange, 'categories:cid', 0, -1)) {
      await done(turn, ['find', 'read', 'topics:read'], category, 'guests')
    }
    return {}
  },
}

http
  .createServer((request, response) => {
    let body = ''
    request.on('data', some => (body += some))
    request.on('end', async () => {
      try {
        const { do: what, ...values } = JSON.parse(body)
        response.end(JSON.stringify(await writes[what](values)))
      } catch (error) {
        response.statusCode = 500
        response.end(String(error.stack || error))
      }
    })
  })
  .listen(seedPort, '127.0.0.1')
