package jit

import "github.com/cilium/ebpf/asm"

// A Signature says what a helper may do to a program beside returning something. The UAPI's
// comments on helpers have the facts (include/uapi/linux/bpf.h).
type Signature struct {
	Writes  []Span
	Context bool         // it may change fields of the context
	Packet  bool         // it may change the packet, its bounds and fields of the context
	Calls   asm.Register // where it gets a function of the program that it calls at once, or R0
	Returns Return
}

// Return is what a helper returns.
type Return uint8

// What helpers return.
const (
	ReturnsNumber Return = iota
	ReturnsAddress
	ReturnsAddressOrNull
)

// A Span is memory that a helper may write: Fixed bytes, or as many as Size holds, or, where both
// are zero, as far as the memory goes.
type Span struct {
	At, Size asm.Register
	Fixed    int
}

// SignatureOf is the signature of a helper of the UAPI. Of others nothing is known: ok is false.
func SignatureOf(h Helper) (s Signature, ok bool) {
	s, ok = signatures[h]
	return s, ok || h >= 1 && h <= lastHelper
}

// lastHelper is the last helper that the UAPI will ever have; newer functions are kernel functions.
const lastHelper = Helper(asm.FnCgrpStorageDelete)

// writes is a helper that fills a buffer, of the size in another register.
func writes(at, size asm.Register) Signature { return Signature{Writes: []Span{{At: at, Size: size}}} }

// fills is a helper that writes so many bytes.
func fills(at asm.Register, n int) Signature { return Signature{Writes: []Span{{At: at, Fixed: n}}} }

// calls is a helper that calls a function of the program.
func calls(fn asm.Register) Signature { return Signature{Calls: fn} }

var (
	changesContext = Signature{Context: true}
	changesPacket  = Signature{Context: true, Packet: true}
	address        = Signature{Returns: ReturnsAddress}
	addressOrNull  = Signature{Returns: ReturnsAddressOrNull}
)

const dynptrSize = 16 // struct bpf_dynptr

// signatures are those of helpers that do more than return a number.
var signatures = map[Helper]Signature{
	MapLookupElem:   addressOrNull,
	ProbeRead:       writes(asm.R1, asm.R2),
	ProbeReadUser:   writes(asm.R1, asm.R2),
	ProbeReadKernel: writes(asm.R1, asm.R2),
	SkbLoadBytes:    writes(asm.R3, asm.R4),

	Helper(asm.FnSkbStoreBytes):     changesPacket,
	Helper(asm.FnL3CsumReplace):     changesPacket,
	Helper(asm.FnL4CsumReplace):     changesPacket,
	Helper(asm.FnCloneRedirect):     changesPacket,
	Helper(asm.FnSkbVlanPush):       changesPacket,
	Helper(asm.FnSkbVlanPop):        changesPacket,
	Helper(asm.FnSkbChangeProto):    changesPacket,
	Helper(asm.FnSkbChangeTail):     changesPacket,
	Helper(asm.FnSkbPullData):       changesPacket,
	Helper(asm.FnSkbChangeHead):     changesPacket,
	Helper(asm.FnXdpAdjustHead):     changesPacket,
	Helper(asm.FnSkbAdjustRoom):     changesPacket,
	Helper(asm.FnXdpAdjustMeta):     changesPacket,
	Helper(asm.FnMsgPullData):       changesPacket,
	Helper(asm.FnXdpAdjustTail):     changesPacket,
	Helper(asm.FnLwtPushEncap):      changesPacket,
	Helper(asm.FnLwtSeg6StoreBytes): changesPacket,
	Helper(asm.FnLwtSeg6AdjustSrh):  changesPacket,
	Helper(asm.FnLwtSeg6Action):     changesPacket,
	Helper(asm.FnMsgPushData):       changesPacket,
	Helper(asm.FnMsgPopData):        changesPacket,
	Helper(asm.FnSkbEcnSetCe):       changesPacket,
	Helper(asm.FnXdpStoreBytes):     changesPacket,
	Helper(asm.FnSkbChangeType):     changesContext,
	Helper(asm.FnGetHashRecalc):     changesContext,
	Helper(asm.FnSetHashInvalid):    changesContext,
	Helper(asm.FnSetHash):           changesContext,
	Helper(asm.FnSetsockopt):        changesContext,
	Helper(asm.FnSockOpsCbFlagsSet): changesContext,
	Helper(asm.FnSkbSetTstamp):      changesContext,
	Helper(asm.FnCsumLevel):         changesContext,

	Helper(asm.FnGetCurrentComm):        writes(asm.R1, asm.R2),
	Helper(asm.FnSkbGetTunnelKey):       writes(asm.R2, asm.R3),
	Helper(asm.FnSkbGetTunnelOpt):       writes(asm.R2, asm.R3),
	Helper(asm.FnProbeReadStr):          writes(asm.R1, asm.R2),
	Helper(asm.FnPerfEventReadValue):    writes(asm.R3, asm.R4),
	Helper(asm.FnPerfProgReadValue):     writes(asm.R2, asm.R3),
	Helper(asm.FnGetsockopt):            writes(asm.R4, asm.R5),
	Helper(asm.FnSkbGetXfrmState):       writes(asm.R3, asm.R4),
	Helper(asm.FnGetStack):              writes(asm.R2, asm.R3),
	Helper(asm.FnSkbLoadBytesRelative):  writes(asm.R3, asm.R4),
	Helper(asm.FnFibLookup):             writes(asm.R2, asm.R3),
	Helper(asm.FnSysctlGetName):         writes(asm.R2, asm.R3),
	Helper(asm.FnSysctlGetCurrentValue): writes(asm.R2, asm.R3),
	Helper(asm.FnSysctlGetNewValue):     writes(asm.R2, asm.R3),
	Helper(asm.FnProbeReadUserStr):      writes(asm.R1, asm.R2),
	Helper(asm.FnProbeReadKernelStr):    writes(asm.R1, asm.R2),
	Helper(asm.FnReadBranchRecords):     writes(asm.R2, asm.R3),
	Helper(asm.FnGetNsCurrentPidTgid):   writes(asm.R3, asm.R4),
	Helper(asm.FnGetTaskStack):          writes(asm.R2, asm.R3),
	Helper(asm.FnLoadHdrOpt):            writes(asm.R2, asm.R3),
	Helper(asm.FnDPath):                 writes(asm.R2, asm.R3),
	Helper(asm.FnCopyFromUser):          writes(asm.R1, asm.R2),
	Helper(asm.FnSnprintfBtf):           writes(asm.R1, asm.R2),
	Helper(asm.FnImaInodeHash):          writes(asm.R2, asm.R3),
	Helper(asm.FnSnprintf):              writes(asm.R1, asm.R2),
	Helper(asm.FnSysBpf):                writes(asm.R2, asm.R3),
	Helper(asm.FnGetBranchSnapshot):     writes(asm.R1, asm.R2),
	Helper(asm.FnXdpLoadBytes):          writes(asm.R3, asm.R4),
	Helper(asm.FnCopyFromUserTask):      writes(asm.R1, asm.R2),
	Helper(asm.FnImaFileHash):           writes(asm.R2, asm.R3),
	Helper(asm.FnDynptrRead):            writes(asm.R1, asm.R2),
	Helper(asm.FnMapPopElem):            writes(asm.R2, asm.R0),
	Helper(asm.FnMapPeekElem):           writes(asm.R2, asm.R0),
	Helper(asm.FnStrtol):                fills(asm.R4, 8),
	Helper(asm.FnStrtoul):               fills(asm.R4, 8),
	Helper(asm.FnKallsymsLookupName):    fills(asm.R4, 8),
	Helper(asm.FnGetFuncArg):            fills(asm.R3, 8),
	Helper(asm.FnGetFuncRet):            fills(asm.R2, 8),
	Helper(asm.FnCheckMtu):              fills(asm.R3, 4),
	Helper(asm.FnDynptrFromMem):         fills(asm.R4, dynptrSize),
	Helper(asm.FnRingbufReserveDynptr):  fills(asm.R4, dynptrSize),
	Helper(asm.FnRingbufSubmitDynptr):   fills(asm.R1, dynptrSize),
	Helper(asm.FnRingbufDiscardDynptr):  fills(asm.R1, dynptrSize),

	Helper(asm.FnGetLocalStorage):      address,
	Helper(asm.FnThisCpuPtr):           address,
	Helper(asm.FnGetCurrentTask):       address,
	Helper(asm.FnGetCurrentTaskBtf):    address,
	Helper(asm.FnTaskPtRegs):           address,
	Helper(asm.FnSkLookupTcp):          addressOrNull,
	Helper(asm.FnSkLookupUdp):          addressOrNull,
	Helper(asm.FnSkFullsock):           addressOrNull,
	Helper(asm.FnTcpSock):              addressOrNull,
	Helper(asm.FnGetListenerSock):      addressOrNull,
	Helper(asm.FnSkcLookupTcp):         addressOrNull,
	Helper(asm.FnSkStorageGet):         addressOrNull,
	Helper(asm.FnRingbufReserve):       addressOrNull,
	Helper(asm.FnSkcToTcp6Sock):        addressOrNull,
	Helper(asm.FnSkcToTcpSock):         addressOrNull,
	Helper(asm.FnSkcToTcpTimewaitSock): addressOrNull,
	Helper(asm.FnSkcToTcpRequestSock):  addressOrNull,
	Helper(asm.FnSkcToUdp6Sock):        addressOrNull,
	Helper(asm.FnInodeStorageGet):      addressOrNull,
	Helper(asm.FnPerCpuPtr):            addressOrNull,
	Helper(asm.FnTaskStorageGet):       addressOrNull,
	Helper(asm.FnSockFromFile):         addressOrNull,
	Helper(asm.FnSkcToUnixSock):        addressOrNull,
	Helper(asm.FnKptrXchg):             addressOrNull,
	Helper(asm.FnMapLookupPercpuElem):  addressOrNull,
	Helper(asm.FnSkcToMptcpSock):       addressOrNull,
	Helper(asm.FnDynptrData):           addressOrNull,
	Helper(asm.FnCgrpStorageGet):       addressOrNull,

	Loop:                           calls(asm.R2),
	ForEachMapElem:                 calls(asm.R2),
	Helper(asm.FnFindVma):          calls(asm.R3),
	Helper(asm.FnUserRingbufDrain): calls(asm.R2),
}
