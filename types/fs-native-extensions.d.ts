// The package ships no types; these are the parts in use. https://github.com/holepunchto/fs-native-extensions#api
declare module 'fs-native-extensions' {
  interface LockOptions {
    shared?: boolean;
  }
  export function tryLock(fd: number, options?: LockOptions): boolean;
  export function tryLock(fd: number, offset?: number, length?: number, options?: LockOptions): boolean;
  export function waitForLock(fd: number, options?: LockOptions): Promise<void>;
  export function waitForLock(fd: number, offset?: number, length?: number, options?: LockOptions): Promise<void>;
  export function unlock(fd: number, offset?: number, length?: number): void;
}
