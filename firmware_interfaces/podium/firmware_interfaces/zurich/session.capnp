# What a client and a LabOne data server say to each other, for the schema compiler.
#
# Written for Podium. Ids, ordinals and types are facts of the wire; they were read from the
# reflection data in labone 1.1.0 (Zurich Instruments, Apache-2.0). Names beyond those that a
# message carries are free, and so are comments.

@0xd2b5a1d0b3f04c8a;

using Schema = import "/capnp/schema.capnp";

struct Result @0xbab0f33e1934323d (Type, Error) {
  union {
    ok @0 :Type;
    err @1 :Error;
  }
}

enum ErrorKind @0xb7e671e24a9802bd {
  ok @0;
  cancelled @1;
  unknown @2;
  notFound @3;
  overwhelmed @4;
  badRequest @5;
  unimplemented @6;
  internal @7;
  unavailable @8;
  timeout @9;
}

struct Error @0xc4e34e4c517d11d9 {
  code @0 :UInt32;
  message @1 :Text;
  category @2 :Text;
  kind @3 :ErrorKind;
  source @4 :Text;
}

struct Void @0xdf7fe8e981437816 {
}

struct Complex @0xaaf1afaf97b4b157 {
  real @0 :Float64;
  imag @1 :Float64;
}

struct VectorData @0x994c65b80df38978 {
  valueType @0 :UInt16;
  vectorElementType @1 :UInt8;
  extraHeaderInfo @2 :UInt32;  # 8 bits of version (3 major, 5 minor), 16 bits of length in 4 bytes
  data @3 :Data;
}

struct CntSample @0xe9370bd8287d6065 {
  timestamp @0 :UInt64;
  counter @1 :Int32;
  trigger @2 :UInt32;
}

struct TriggerSample @0xdeb72097c27d0d95 {
  timestamp @0 :UInt64;
  sampleTick @1 :UInt64;
  trigger @2 :UInt32;
  missedTriggers @3 :UInt32;
  awgTrigger @4 :UInt32;
  dio @5 :UInt32;
  sequenceIndex @6 :UInt32;
}

struct Value @0xb1838b4771be75ac {
  union {
    int64 @0 :Int64;
    double @1 :Float64;
    complex @2 :Complex;
    string @3 :Text;
    vectorData @4 :VectorData;
    cntSample @5 :CntSample;
    triggerSample @6 :TriggerSample;
    none @7 :Void;
  }
}

struct AnnotatedValue @0xf408ee376e837cdc {
  metadata @0 :Metadata;
  value @1 :Value;

  struct Metadata @0xad53d8ca57af3018 {
    timestamp @0 :UInt64;
    path @1 :Text;
  }
}

interface StreamingHandle @0xf51e28a7f5b41574 {
  sendValues @0 (values :List(AnnotatedValue)) -> stream;
}

struct Subscription @0xedac21a53de1b1d4 {
  path @0 :Text;
  streamingHandle @1 :StreamingHandle;
  subscriberId @2 :Data;
}

enum ReturnFromSetWhen @0xdd2da53aac55edf9 {
  asap @0;
  deviceAck @1;
  unusedAsync @2;
  unusedTransactional @3;
}

enum LookupMode @0xda5049b5e072f425 {
  directLookup @0;
  withExpansion @1;
}

interface Session @0xb9d445582da4a55c {
  listNodes @0 (pathExpression :Text, flags :UInt32, client :Data) -> (paths :List(Text));
  deprecatedGetValues @1 (paths :List(Text), client :Data)
      -> (result :List(Result(AnnotatedValue, Error)));
  deprecatedSetValue @2 (path :Text, value :Value, completeWhen :ReturnFromSetWhen)
      -> (result :Result(Void, Error));
  subscribe @3 (subscription :Subscription) -> (result :Result(Void, Error));
  disconnectDevice @4 () -> Void;
  listNodesJson @5 (pathExpression :Text, flags :UInt32, client :Data) -> (nodeProps :Text);
  unsubscribe @6 (subscriberId :Data, paths :List(Text)) -> Void;
  getSessionVersion @7 () -> (version :Text);
  deprecatedSetValue2 @8 (path :Text, value :Value, completeWhen :ReturnFromSetWhen, client :Data)
      -> (result :Result(AnnotatedValue, Error));
  setValue @9 (pathExpression :Text, value :Value, lookupMode :LookupMode,
      completeWhen :ReturnFromSetWhen, client :Data)
      -> (result :List(Result(AnnotatedValue, Error)));
  getValue @10 (pathExpression :Text, lookupMode :LookupMode, flags :UInt32, client :Data)
      -> (result :List(Result(AnnotatedValue, Error)));
}

struct CapSchema @0xcb31ef7a76eb85cf {
  typeId @0 :UInt64;
  theSchema @1 :List(Schema.Node);
}

interface Reflection @0xf9a52e68104bc776 {
  getTheSchema @0 () -> (theSchema :CapSchema);
  getReflectionVersion @1 () -> (version :Text);
}

interface Hpk @0xa621130a90860008 extends(Reflection, Session) {
}
