// A chat room with nothing but `ws`: every line is parsed, made into text once, and sent to each socket of the room,
// as in the library's broadcast example (https://github.com/websockets/ws#server-broadcast). Compression is off by default.
import { WebSocket, WebSocketServer } from "ws";

const rooms = new Map();
const server = new WebSocketServer({ host: "127.0.0.1", port: Number(process.argv[2]) });

server.on("connection", (socket) => {
  let room;
  let name;

  socket.on("error", console.error);

  socket.on("message", (data) => {
    const message = JSON.parse(data);
    if (message.type === "join") {
      name = message.name;
      room = rooms.get(message.room);
      if (room === undefined) {
        rooms.set(message.room, (room = new Set()));
      }
      room.add(socket);
      socket.send(JSON.stringify({ type: "joined", room: message.room }));
    } else if (message.type === "chat" && room !== undefined) {
      const text = JSON.stringify({ type: "chat", name, message: message.message });
      for (const other of room) {
        if (other.readyState === WebSocket.OPEN) {
          other.send(text);
        }
      }
    }
  });

  socket.on("close", () => room?.delete(socket));
});
