/** Buffer's direct writers: in Node since version 1, missing in @types/node. */
interface Buffer {
  latin1Write(text: string, offset: number, length: number): number;
  utf8Write(text: string, offset: number, length: number): number;
}
