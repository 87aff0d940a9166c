# What a client and a LabOne data server say to each other, for the schema compiler.
#
# Written for Podium. Ids, ordinals and types are facts of the wire; they were read from the
# reflection data in labone 1.1.0, those of ``Value`` from 8 on and of ``Kwargs`` from the schema in
# zhinst-comms-schemas 4.1.3 (both Zurich Instruments, Apache-2.0). Names beyond those that a
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

struct LargeVectorData @0xd948f7b09959b00a {
  valueType @0 :UInt16;
  vectorElementType @1 :UInt8;
  extraHeaderInfo @2 :UInt32;
  dataSegments @3 :List(Data);
}

struct ShfDemodulatorVectorData @0x9b03e3e3e6006582 {
  properties :group {
    timestamp @0 :UInt64;
    dt @1 :UInt64;
    burstLength @2 :UInt32;
    burstOffset @3 :UInt32;
    triggerIndex @4 :UInt32;
    triggerTimestamp @5 :UInt64;
    centerFreq @6 :Float64;
    rfPath @7 :Bool;
    oscillatorSource @8 :UInt16;
    harmonic @9 :UInt16;
    triggerSource @10 :UInt8;
    signalSource @11 :UInt16;
    oscillatorFreq @12 :Float64;
  }
  x @13 :List(Float64);
  y @14 :List(Float64);
}

struct ShfResultLoggerVectorData @0xbba061f579761ddd {
  properties :group {
    timestamp @0 :UInt64;
    jobId @1 :UInt32;
    repetitionId @2 :UInt32;
    scaling @3 :Float64;
    centerFrequency @4 :Float64;
    dataSource @5 :UInt32;
    numSamples @6 :UInt32;
    numSpectrSamples @7 :UInt32;
    numAverages @8 :UInt32;
    numAcquired @9 :UInt32;
    holdoffErrorsReslog @10 :UInt16;
    holdoffErrorsReadout @11 :UInt16;
    holdoffErrorsSpectr @12 :UInt16;
    firstSampleTimestamp @13 :UInt64;
  }
  vector :union {
    real @14 :List(Float64);
    complex @15 :List(Complex);
  }
}

struct ShfScopeVectorData @0xa9b07f1f82a93bc9 {
  properties :group {
    timestamp @0 :UInt64;
    timestampDiff @1 :UInt32;
    flags @2 :UInt32;
    scaling @3 :Float64;
    centerFrequency @4 :Float64;
    triggerTimestamp @5 :UInt64;
    inputSelect @6 :UInt32;
    averageCount @7 :UInt32;
    numSegments @8 :UInt32;
    numTotalSegments @9 :UInt32;
    firstSegmentIndex @10 :UInt32;
    numMissedTriggers @11 :UInt32;
  }
  vector :union {
    real @12 :List(Float64);
    complex @13 :List(Complex);
  }
}

struct ShfGeneratorWaveformVectorData @0xedcfe06e81c4f3d0 {
  complex @0 :List(Complex);
}

struct ShfPidVectorData @0xff6ee171549a2870 {
  properties :group {
    timestamp @0 :UInt64;
    timestampDiff @1 :UInt64;
    burstLength @2 :UInt32;
    burstOffset @3 :UInt32;
    triggerIndex @4 :UInt32;
    triggerTimestamp @5 :UInt64;
    centerPoint @6 :Float64;
    inputChannel @7 :UInt8;
    input @8 :UInt8;
    outputChannel @9 :UInt8;
    output @10 :UInt8;
    triggerSrc @11 :UInt8;
    setPoint @12 :Float64;
  }
  value @13 :List(Float64);
  error @14 :List(Float64);
}

struct Kwargs @0x8f25ce07a664cee0 {
  entries @0 :List(Entry);

  struct Entry @0xa2644e6fd3dc2553 {
    key @0 :Text;
    value @1 :Value;
  }
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
    streamingError @8 :Error;
    shfDemodData @9 :ShfDemodulatorVectorData;
    shfResultLoggerData @10 :ShfResultLoggerVectorData;
    vectorCntSamples @11 :List(CntSample);
    vectorTriggerSamples @12 :List(TriggerSample);
    largeVectorData @13 :LargeVectorData;
    bool @14 :Bool;
    shfScopeData @15 :ShfScopeVectorData;
    shfGeneratorWaveformData @16 :ShfGeneratorWaveformVectorData;
    shfPidData @17 :ShfPidVectorData;
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
  kwargs @3 :Kwargs;
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
