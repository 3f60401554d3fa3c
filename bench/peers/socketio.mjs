// A chat room with Socket.IO: alone, or with its Redis adapter when REDIS_URL is set.
// Set up as https://socket.io/docs/v4/redis-adapter/ and https://socket.io/docs/v4/performance-tuning/ recommend:
// WebSocket only, the native `bufferutil` installed, the first request of a connection let go. Compression is off by default.
import { createServer } from "node:http";
import { createAdapter } from "@socket.io/redis-adapter";
import { createClient } from "redis";
import { Server } from "socket.io";

const options = { transports: ["websocket"], serveClient: false };

if (process.env.REDIS_URL) {
  // A command may wait: by default the client gives up after 5 s, and the adapter, which does not expect that, ends.
  const publishing = createClient({ url: process.env.REDIS_URL, commandOptions: { timeout: 60_000 } });
  const subscribing = publishing.duplicate();
  for (const client of [publishing, subscribing]) {
    client.on("error", console.error);
  }
  await Promise.all([publishing.connect(), subscribing.connect()]);
  options.adapter = createAdapter(publishing, subscribing);
}

const server = createServer();
const io = new Server(server, options);

io.engine.on("connection", (connection) => {
  connection.request = null;
});

io.on("connection", (socket) => {
  socket.on("join", async ({ room, name }, answer) => {
    socket.data = { room, name };
    await socket.join(room);
    answer({ room });
  });

  socket.on("chat", ({ message }) => {
    const { room, name } = socket.data;
    io.to(room).emit("chat", { name, message });
  });
});

server.listen(Number(process.argv[2]), "127.0.0.1");
