// Server
export { durableStreams, type DurableStreamsOptions } from './durable-streams';

// Client
export { openDurableStream, type DurableStreamConfig, type StreamHeaders } from './open-durable-stream';
export { DurableStream } from './durable-stream';

// Errors
export { HttpStatusError } from '../errors/http-status-error';
export { NotSupportedError } from '../errors/not-supported-error';
export { SerializationError } from '../errors/serialization-error';
